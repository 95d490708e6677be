#include "api/client_address.h"

#include <vector>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

const std::vector<Cidr> kProxies = {*parse_cidr("10.0.0.0/8"), *parse_cidr("2001:db8:a::/48")};

net::HttpRequest from(const std::string& peer, const std::vector<std::string>& forwarded) {
  net::HttpRequest request;
  request.peer_ip = peer;
  for (const std::string& value : forwarded) request.headers.emplace_back("X-Forwarded-For", value);
  return request;
}

struct Hop {
  std::string peer;
  std::vector<std::string> forwarded;
  std::string client;
};

class ClientAddress : public testing::TestWithParam<Hop> {};

TEST_P(ClientAddress, IsTheFirstFromTheRightThatIsNotATrustedProxy) {
  const Hop& hop = GetParam();

  EXPECT_EQ(client_ip_of(from(hop.peer, hop.forwarded), kProxies), hop.client);
}

INSTANTIATE_TEST_SUITE_P(
    Table, ClientAddress,
    testing::Values(Hop{"198.51.100.7", {}, "198.51.100.7"},
                    Hop{"198.51.100.7", {"203.0.113.9"}, "198.51.100.7"},  // nobody trusted says it
                    Hop{"10.0.0.1", {}, "10.0.0.1"},                       //
                    Hop{"10.0.0.1", {"203.0.113.9"}, "203.0.113.9"},
                    Hop{"10.0.0.1", {"192.0.2.66, 203.0.113.9"}, "203.0.113.9"},  // forged left
                    Hop{"10.0.0.1", {"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
                    Hop{"10.0.0.1", {"203.0.113.9,\t10.0.0.2 "}, "203.0.113.9"},
                    Hop{"10.0.0.1", {"203.0.113.9", "10.0.0.2"}, "203.0.113.9"},  // two headers
                    Hop{"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},          // all are trusted
                    Hop{"10.0.0.1", {"unknown"}, "10.0.0.1"},
                    Hop{"10.0.0.1", {"192.0.2.66, _hidden, 10.0.0.2"}, "10.0.0.2"},
                    Hop{"10.0.0.1", {""}, "10.0.0.1"},  //
                    Hop{"10.0.0.1", {"203.0.113.9,"}, "10.0.0.1"},
                    Hop{"10.0.0.1", {"203.0.113.9:4711"}, "203.0.113.9"},
                    Hop{"10.0.0.1", {"[2001:db8::9]:4711"}, "2001:db8::9"},
                    Hop{"10.0.0.1", {"[2001:db8::9]"}, "2001:db8::9"},
                    Hop{"10.0.0.1", {"[2001:db8::9]x"}, "10.0.0.1"},
                    Hop{"10.0.0.1", {"::ffff:203.0.113.9"}, "203.0.113.9"},
                    Hop{"10.0.0.1", {"203.0.113.9, ::ffff:10.0.0.2"}, "203.0.113.9"},
                    Hop{"2001:db8:a::1", {"2001:DB8::9"}, "2001:db8::9"},
                    Hop{"2001:db8:b::1", {"2001:db8::9"}, "2001:db8:b::1"}));

TEST(ClientAddressWithoutProxies, IsThePeers) {
  EXPECT_EQ(client_ip_of(from("10.0.0.1", {"203.0.113.9"}), {}), "10.0.0.1");
}

TEST(ClientAddressWithProxies, DoesNotComeFromForwarded) {
  net::HttpRequest request = from("10.0.0.1", {});
  request.headers.emplace_back("Forwarded", "for=203.0.113.9");

  EXPECT_EQ(client_ip_of(request, kProxies), "10.0.0.1");
}

TEST(UserAgent, IsCutWhereItIsLongerThanAnyHonestOne) {
  net::HttpRequest request;
  EXPECT_EQ(user_agent_of(request), "");

  request.headers.emplace_back("User-Agent", std::string(300, 'a'));
  EXPECT_EQ(user_agent_of(request), std::string(256, 'a'));
}

}  // namespace
}  // namespace fanfare

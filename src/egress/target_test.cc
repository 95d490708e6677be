#include "egress/target.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace fanfare {
namespace {

constexpr UrlRules kHttpToo{.allows_http = true};

Target parsed(std::string_view url, UrlRules rules = kHttpToo) {
  auto target = parse_target(url, rules);
  EXPECT_TRUE(target) << url << ": " << (target ? "" : target.error().message);
  return target.value_or(Target{});
}

TEST(Target, TakesAnHttpsUrlApart) {
  const Target target = parsed("https://Hooks.Example.COM:8443/a/../b?x=%2F&y=[1]");

  EXPECT_TRUE(target.is_https);
  EXPECT_EQ(target.host, "hooks.example.com");
  EXPECT_FALSE(target.ip);
  EXPECT_EQ(target.port, 8443);
  EXPECT_EQ(target.origin_form, "/a/../b?x=%2F&y=[1]") << "sent byte for byte";
}

TEST(Target, FillsInPortAndPath) {
  EXPECT_EQ(parsed("https://example.com").port, 443);
  EXPECT_EQ(parsed("http://example.com").port, 80);
  EXPECT_EQ(parsed("https://example.com").origin_form, "/");
  EXPECT_EQ(parsed("https://example.com?q=1").origin_form, "/?q=1");
}

TEST(Target, HostHeaderNamesThePortOnlyWhenItIsNotTheSchemesOwn) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"https://example.com/", "example.com"},
      {"https://example.com:443/", "example.com"},
      {"http://example.com:443/", "example.com:443"},
      {"https://example.com:80/", "example.com:80"},
      {"https://8.8.8.8:8443/", "8.8.8.8:8443"},
      {"https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]"},
      {"https://[2606:4700:4700:0:0:0:0:1111]:8443/", "[2606:4700:4700::1111]:8443"},
  };
  for (const auto& [url, authority] : cases) EXPECT_EQ(parsed(url).authority(), authority) << url;
}

TEST(Target, ParsedPrintedAndParsedAgainIsTheSame) {
  for (const std::string_view url :
       {"https://Example.com", "http://a-b_c.example.xn--p1ai:8080/x?y#", "https://1.1.1.1:444/%41",
        "https://[2A00:1450:4001:0830::200E]:99/?", "http://example.com:1"}) {
    const Target once = parsed(url.substr(0, url.find('#')));

    const std::string printed =
        (once.is_https ? "https://" : "http://") + once.authority() + once.origin_form;

    EXPECT_EQ(parsed(printed), once) << printed;
  }
}

TEST(Target, PlainHttpNeedsTheOperatorsSwitch) {
  EXPECT_FALSE(parse_target("http://example.com/", UrlRules{}));
  EXPECT_TRUE(parse_target("http://example.com/", kHttpToo));
}

TEST(Target, LocalhostIsANameOnlyWhenALoopbackRangeIsAllowed) {
  const UrlRules with_loopback{.allows_http = true, .allows_localhost = true};

  EXPECT_FALSE(parse_target("http://localhost:8080/", kHttpToo));
  EXPECT_EQ(parsed("http://LocalHost:8080/", with_loopback).host, "localhost");
  EXPECT_FALSE(parse_target("http://x.localhost:8080/", with_loopback));
  EXPECT_FALSE(parse_target("http://localhost./", with_loopback));
}

TEST(Target, LengthIsBounded) {
  std::string url = "https://example.com/";
  url.append(limits::kUrlBytesMax - url.size(), 'a');

  EXPECT_TRUE(parse_target(url, UrlRules{}));
  EXPECT_FALSE(parse_target(url + "a", UrlRules{}));
}

TEST(Target, RefusesEveryByteThatIsNotOfUrls) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?[]@!$&'()*+,;=";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const std::string url = std::string("https://example.com/a") + c;

    const bool is_taken = parse_target(url, UrlRules{}).has_value();

    EXPECT_EQ(is_taken, kAllowed.find(c) != std::string_view::npos) << byte;
  }
}

TEST(Target, NamesWithADotNearALocalSuffixStayPublic) {
  for (const std::string_view url :
       {"https://mylocal.com/", "https://notlocal.example.com/", "https://local.example.com/",
        "https://xinternal.net/", "https://contest.org/"}) {
    EXPECT_TRUE(parse_target(url, UrlRules{})) << url;
  }
}

TEST(Target, RefusalNamesTheRule) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"ftp://example.com/", "https://"},
      {"https://user@example.com/", "user name"},
      {"https://example.com/#x", "'#'"},
      {"https://exam%70le.com/", "percent-encoded"},
      {"https://example.com:0443/", "port"},
      {"https://127.1/", "four decimal"},
      {"https://localhost/", "local networks"},
      {"https://router/", "full name"},
      {"https://[::1%25eth0]/", "percent-encoded"},
      {"https://example.com/%4", "hexadecimal"},
      {"", "https://"},
  };
  for (const auto& [url, part] : cases) {
    const auto target = parse_target(url, UrlRules{});
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().code, Errc::invalid);
    EXPECT_NE(target.error().message.find(part), std::string::npos)
        << url << ": " << target.error().message;
  }
}

TEST(IpAddress, ReadsOneSpellingOfIpv4) {
  EXPECT_EQ(to_string(parse_ip("1.2.3.4").value()), "1.2.3.4");
  for (const std::string_view text :
       {"", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1..3.4", "1.2.3.4 ", " 1.2.3.4",
        "0x1.2.3.4", "1.2.3.+4", "1.2.3.-4", "1.2.3.", ".1.2.3", "1.2.3.1000"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
}

TEST(IpAddress, ReadsIpv6TextWithoutZones) {
  EXPECT_EQ(to_string(parse_ip("2001:DB8:0::0:1").value()), "2001:db8::1");
  EXPECT_EQ(to_string(parse_ip("::").value()), "::");
  for (const std::string_view text :
       {":", ":::", "1::2::3", "fe80::1%lo", "::ffff:127.1", "12345::", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9", "::1 ", "[::1]", "::g"}) {
    EXPECT_FALSE(parse_ip(text)) << text;
  }
  EXPECT_FALSE(parse_ip(std::string_view("::1\0", 4)));
}

}  // namespace
}  // namespace fanfare

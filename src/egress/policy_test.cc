#include "egress/policy.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/random.h"

namespace fanfare {
namespace {

constexpr const char* kVectors = FANFARE_SOURCE_DIR "/tests/vectors/";

IpAddress ip(std::string_view text) {
  return parse_ip(text).value();
}
Cidr cidr(std::string_view text) {
  return parse_cidr(text).value();
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::stringstream stream(line);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream stream(kVectors + file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  EXPECT_FALSE(lines.empty()) << file;
  return lines;
}

std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (text.at(++i)) {
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'n':
        out += '\n';
        break;
      case '0':
        out += '\0';
        break;
      case 'x':
        out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
        break;
      default:
        out += text[i];
    }
  }
  return out;
}

// What the stub answers for a name at connect time: its last column. None = the look-up fails.
class StubDns {
 public:
  StubDns() {
    for (const std::string& line : lines_of("ssrf_dns_stub.tsv")) {
      if (line.starts_with('#')) continue;
      const auto columns = split(line, '\t');
      answers_[columns.at(0)] = parse_answers(columns.back());
    }
  }
  std::vector<IpAddress> resolve(const std::string& name) const {
    const auto found = answers_.find(name);
    return found == answers_.end() ? std::vector{ip("93.184.216.34")} : found->second;
  }

 private:
  static std::vector<IpAddress> parse_answers(const std::string& text) {
    if (text.starts_with("MANY")) {
      std::vector<IpAddress> many;
      for (int i = 0; i < std::stoi(text.substr(4)); ++i) {
        many.push_back(IpAddress{.bytes = {93, 184, static_cast<std::uint8_t>(i / 256),
                                           static_cast<std::uint8_t>(i % 256)}});
      }
      return many;
    }
    if (text == "NXDOMAIN" || text == "NODATA" || text == "SERVFAIL" || text == "TIMEOUT")
      return {};
    std::vector<IpAddress> addresses;
    for (const std::string& record : split(text, ',')) addresses.push_back(ip(record));
    return addresses;
  }
  std::map<std::string, std::vector<IpAddress>> answers_;
};

bool is_delivered_to(const std::string& url, const EgressPolicy& policy, const StubDns& dns) {
  const auto target = check_url(url, policy);
  if (!target) return false;
  const auto answers = target->ip ? std::vector{*target->ip} : dns.resolve(target->host);
  return judge_all(answers, policy).is_allowed;
}

TEST(Policy, AgreesWithTheWholeSsrfCorpus) {
  const EgressPolicy policy{.allows_http = true, .own = {ip("203.0.114.7")}};
  const StubDns dns;
  int right = 0;
  int all = 0;

  for (const std::string& line : lines_of("ssrf_corpus.tsv")) {
    if (line.starts_with("# ") || line.empty()) continue;
    const auto columns = split(line, '\t');
    ASSERT_GE(columns.size(), 2U) << line;
    const bool is_right =
        is_delivered_to(unescape(columns[0]), policy, dns) == (columns[1] == "allow");
    EXPECT_TRUE(is_right) << line;
    right += is_right ? 1 : 0;
    ++all;
  }

  std::cout << "corpus " << right << "/" << all << std::endl;
  EXPECT_GT(all, 300);
}

TEST(Policy, DnsFixtureNamesAreDeniedUnlessEveryAnswerIsPublic) {
  const EgressPolicy policy{.own = {ip("203.0.114.7")}};
  const StubDns dns;
  const std::vector<std::string> allowed = {"public-only.example.com", "dual.example.com",
                                            "v6only.example.com", "cdn-many.example.com"};
  for (const std::string& line : lines_of("ssrf_dns_stub.tsv")) {
    if (line.starts_with('#')) continue;
    const std::string name = split(line, '\t').at(0);

    const bool is_allowed = judge_all(dns.resolve(name), policy).is_allowed;

    EXPECT_EQ(is_allowed, std::find(allowed.begin(), allowed.end(), name) != allowed.end()) << name;
  }
}

// ---- a slow oracle that reads the published lists and compares bit by bit ----

struct OracleBlock {
  IpAddress network;
  int bits;
};

bool bit_of(const IpAddress& address, int index) {
  return (address.bytes[static_cast<std::size_t>(index / 8)] >> (7 - index % 8) & 1) != 0;
}

bool oracle_contains(const OracleBlock& block, const IpAddress& address) {
  if (block.network.is_v6 != address.is_v6) return false;
  for (int i = 0; i < block.bits; ++i) {
    if (bit_of(block.network, i) != bit_of(address, i)) return false;
  }
  return true;
}

OracleBlock block(const std::string& text) {
  const auto slash = text.find('/');
  return {ip(text.substr(0, slash)), std::stoi(text.substr(slash + 1))};
}

std::vector<OracleBlock> blocks(const std::vector<std::string>& texts) {
  std::vector<OracleBlock> parsed;
  for (const std::string& text : texts) parsed.push_back(block(text));
  return parsed;
}

std::vector<OracleBlock> published_allocations() {
  std::vector<OracleBlock> parsed;
  for (const std::string& line : lines_of("address_policy_lists.md")) {
    if (line.starts_with("and inside")) break;
    if (!line.starts_with("2")) continue;
    if (line.find("are denied") != std::string::npos) continue;
    for (const std::string& word : split(line, ' ')) parsed.push_back(block(word));
  }
  EXPECT_EQ(parsed.size(), 34U);
  return parsed;
}

bool oracle_allows(const IpAddress& address, const std::vector<OracleBlock>& allocations) {
  static const auto denied =
      blocks({"0.0.0.0/8",        "10.0.0.0/8",      "100.64.0.0/10",   "127.0.0.0/8",
              "168.63.129.16/32", "169.254.0.0/16",  "172.16.0.0/12",   "192.0.0.0/24",
              "192.0.2.0/24",     "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
              "192.168.0.0/16",   "192.175.48.0/24", "198.18.0.0/15",   "198.51.100.0/24",
              "203.0.113.0/24",   "224.0.0.0/4",     "240.0.0.0/4",     "2001:db8::/32",
              "2620:4f:8000::/48"});
  const auto holds = [&](const OracleBlock& b) { return oracle_contains(b, address); };
  if (std::any_of(denied.begin(), denied.end(), holds)) return false;
  if (!address.is_v6) return true;
  const auto& b = address.bytes;
  const bool is_isatap = (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
  return !is_isatap && std::any_of(allocations.begin(), allocations.end(), holds);
}

// Random addresses alone would never hit a /48: half of them start from a block's edge with a few
// bits flipped.
IpAddress random_address(SeededRandom& random, const std::vector<IpAddress>& edges) {
  std::array<std::uint8_t, 20> draw{};
  random.fill(draw);
  IpAddress address{.is_v6 = (draw[16] & 1) != 0};
  std::copy_n(draw.begin(), address.is_v6 ? 16 : 4, address.bytes.begin());
  if ((draw[16] & 2) == 0) return address;
  address = edges[(draw[17] * 256U + draw[18]) % edges.size()];
  if ((draw[16] & 4) != 0 && address.is_v6) std::copy_n(draw.begin(), 8, address.bytes.begin() + 8);
  if ((draw[16] & 8) != 0) {
    const int bit = draw[19] % (address.is_v6 ? 128 : 32);
    address.bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(1 << (bit % 8));
  }
  if ((draw[16] & 16) != 0 && address.is_v6) {
    const std::array<std::uint8_t, 4> isatap{static_cast<std::uint8_t>(draw[0] & 2), 0, 0x5e, 0xfe};
    std::copy(isatap.begin(), isatap.end(), address.bytes.begin() + 8);
  }
  return address;
}

TEST(Policy, JudgeEqualsABitByBitOracleOnRandomAddresses) {
  const auto allocations = published_allocations();
  std::vector<IpAddress> edges;
  for (const auto& b : allocations) edges.push_back(b.network);
  for (const std::string_view text :
       {"10.0.0.0",       "100.64.0.0",      "127.0.0.1",    "168.63.129.16",
        "172.16.0.0",     "192.0.0.0",       "192.31.196.0", "192.88.99.0",
        "192.168.0.0",    "198.18.0.0",      "203.0.113.0",  "224.0.0.0",
        "240.0.0.0",      "255.255.255.255", "8.8.8.8",      "2001:db8::",
        "2620:4f:8000::", "2002::",          "::",           "::1",
        "::ffff:0:0",     "64:ff9b::",       "64:ff9b:1::",  "3fff::",
        "fe80::",         "fc00::",          "ff00::"}) {
    edges.push_back(ip(text));
  }
  SeededRandom random(20251010);

  int allowed = 0;
  for (int i = 0; i < 200'000; ++i) {
    const IpAddress address = random_address(random, edges);
    const bool expected = oracle_allows(address, allocations);
    ASSERT_EQ(judge(address, EgressPolicy{}).is_allowed, expected) << to_string(address);
    allowed += expected ? 1 : 0;
  }

  EXPECT_GT(allowed, 20'000) << "the draw must reach both verdicts";
  EXPECT_LT(allowed, 180'000);
}

// ---- exceptions ----

const std::vector<std::string> kMetadataNames = {
    "169.254.169.254",   "169.254.169.253",    "169.254.169.123", "169.254.170.2",
    "169.254.170.23",    "169.254.169.250",    "169.254.0.23",    "169.254.42.42",
    "168.63.129.16",     "192.0.0.192",        "100.100.100.200", "100.100.100.100",
    "fd00:ec2::254",     "fd00:ec2::23",       "fd20:ce::254",    "fd00:42::42",
    "fd00:a9fe:a9fe::1", "fd7a:115c:a1e0::53", "fe80::a9fe:a9fe"};

TEST(Policy, MetadataStaysDeniedInsideAnAllowedRange) {
  EgressPolicy policy{.allowed = {cidr("0.0.0.0/0"), cidr("::/0")}};
  for (const std::string& text : kMetadataNames) {
    EXPECT_FALSE(judge(ip(text), policy).is_allowed) << text;
    EXPECT_EQ(judge(ip(text), policy).reason, "cloud metadata") << text;
  }
  policy.allows_metadata = true;
  for (const std::string& text : kMetadataNames)
    EXPECT_TRUE(judge(ip(text), policy).is_allowed) << text;
}

TEST(Policy, MetadataStaysDeniedInEveryWrapping) {
  const EgressPolicy policy{.allowed = {cidr("::/0")}};
  for (const std::string_view text :
       {"::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:a9fe:a9fe", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "2606:4700::5efe:a9fe:a9fe"}) {
    EXPECT_FALSE(judge(ip(text), policy).is_allowed) << text;
  }
}

TEST(Policy, TheMetadataSwitchAloneOpensNothing) {
  const EgressPolicy policy{.allows_metadata = true};
  for (const std::string& text : kMetadataNames)
    EXPECT_FALSE(judge(ip(text), policy).is_allowed) << text;
}

TEST(Policy, AllowedRangeOpensItsAddressesAndNoOthers) {
  const EgressPolicy policy{.allowed = {cidr("127.0.0.0/8"), cidr("10.1.0.0/16"), cidr("::1")}};

  EXPECT_TRUE(judge(ip("127.0.0.1"), policy).is_allowed);
  EXPECT_TRUE(judge(ip("10.1.255.255"), policy).is_allowed);
  EXPECT_TRUE(judge(ip("::1"), policy).is_allowed);
  EXPECT_FALSE(judge(ip("10.2.0.0"), policy).is_allowed);
  EXPECT_FALSE(judge(ip("::ffff:127.0.0.1"), policy).is_allowed)
      << "mapped forms are never unwrapped";
}

TEST(Policy, OwnAddressIsDeniedUnlessItIsAllowedExplicitly) {
  EgressPolicy policy{.own = {ip("203.0.114.7"), ip("2606:4700::7")}};
  EXPECT_FALSE(judge(ip("203.0.114.7"), policy).is_allowed);
  EXPECT_FALSE(judge(ip("2606:4700::7"), policy).is_allowed);
  EXPECT_TRUE(judge(ip("203.0.114.8"), policy).is_allowed);

  policy.allowed = {cidr("203.0.114.0/24")};
  EXPECT_TRUE(judge(ip("203.0.114.7"), policy).is_allowed);
}

TEST(Policy, OneBadAnswerDeniesAllInBothOrders) {
  const EgressPolicy policy;
  const IpAddress good = ip("93.184.216.34");
  const IpAddress bad = ip("10.0.0.5");

  EXPECT_TRUE(judge_all(std::vector{good}, policy).is_allowed);
  EXPECT_FALSE(judge_all(std::vector{good, bad}, policy).is_allowed);
  EXPECT_FALSE(judge_all(std::vector{bad, good}, policy).is_allowed);
  EXPECT_FALSE(judge_all({}, policy).is_allowed);
}

TEST(Policy, AnswersAreCountedToTheLimit) {
  const EgressPolicy policy;
  std::vector<IpAddress> answers(limits::kDnsAnswersMax, ip("93.184.216.34"));
  EXPECT_TRUE(judge_all(answers, policy).is_allowed);
  answers.push_back(ip("93.184.216.34"));
  EXPECT_FALSE(judge_all(answers, policy).is_allowed);
}

TEST(Policy, PortListMatchesThePublishedOne) {
  std::vector<int> denied;
  bool is_in_list = false;
  for (const std::string& line : lines_of("address_policy_lists.md")) {
    if (line.starts_with("Ports")) {
      is_in_list = true;
    } else if (line.empty()) {
      is_in_list = false;
    } else if (is_in_list) {
      for (const std::string& word : split(line, ' ')) {
        const auto dash = word.find('-');
        const int first = std::stoi(word);
        const int last = dash == std::string::npos ? first : std::stoi(word.substr(dash + 1));
        for (int port = first; port <= last; ++port) denied.push_back(port);
      }
    }
  }
  ASSERT_GT(denied.size(), 30U);
  for (int port = 0; port <= 65535; ++port) {
    const bool is_listed = std::find(denied.begin(), denied.end(), port) != denied.end();
    const bool expected = port == 80 || port == 443 || (port >= 1024 && !is_listed);
    ASSERT_EQ(is_port_allowed(static_cast<std::uint16_t>(port)), expected) << port;
  }
}

TEST(Policy, OnlyAnAllowedLiteralMayUseAnyPort) {
  const EgressPolicy policy{.allows_http = true, .allowed = {cidr("127.0.0.0/8")}};

  EXPECT_TRUE(check_url("http://127.0.0.1:6379/", policy));
  EXPECT_TRUE(check_url("http://127.0.0.1:25/", policy));
  EXPECT_FALSE(check_url("http://8.8.8.8:6379/", policy));
  EXPECT_FALSE(check_url("http://localhost:6379/", policy)) << "a name is no literal";
  EXPECT_TRUE(check_url("http://localhost:8080/", policy));
}

TEST(Policy, DeniedLiteralIsRefusedWithoutNamingWhy) {
  const auto result = check_url("https://10.1.2.3/", EgressPolicy{});

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "this destination is not allowed");
}

TEST(Cidr, ReadsNetworksAndSingleAddresses) {
  EXPECT_EQ(cidr("10.0.0.0/8").bits, 8);
  EXPECT_EQ(cidr("10.1.2.3").bits, 32);
  EXPECT_EQ(cidr("::1").bits, 128);
  EXPECT_EQ(cidr("::/0").bits, 0);
  EXPECT_TRUE(contains(cidr("0.0.0.0/0"), ip("255.1.2.3")));
  EXPECT_FALSE(contains(cidr("0.0.0.0/0"), ip("::1")));
}

TEST(Cidr, RefusesWhatIsNotOne) {
  for (const std::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8x",
        "10.0.0.1/8", "::/129", "10/8", "fe80::1%lo/64"}) {
    EXPECT_FALSE(parse_cidr(text)) << text;
  }
}

TEST(OwnAddresses, HoldLoopback) {
  const auto own = own_addresses();
  EXPECT_NE(std::find(own.begin(), own.end(), ip("127.0.0.1")), own.end());
}

}  // namespace
}  // namespace fanfare

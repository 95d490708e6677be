#include "app/egress_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

Result<Config> config_with(const std::string& allow) {
  ConfigSources sources;
  sources.flags["egress-allow"] = allow;
  return load_config(sources);
}

TEST(EgressOptions, EveryRangeIsAllowed) {
  const auto policy = egress_policy_of(*config_with("127.0.0.0/8,::1,10.1.0.0/16"));

  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->allowed.size(), 3U);
  EXPECT_FALSE(policy->allows_http);
}

TEST(EgressOptions, ARangeThatIsNoneIsNamedWithItsOptionAndPlace) {
  for (const std::string bad : {"127.0.0.0/33", "127.0.0.1/8", "x", "::1/129", "10.0.0.0/"}) {
    const auto policy = egress_policy_of(*config_with("10.0.0.0/8," + bad));

    ASSERT_FALSE(policy) << bad;
    EXPECT_EQ(policy.error().code, Errc::invalid);
    EXPECT_THAT(policy.error().message,
                testing::StartsWith("--egress-allow: egress-allow cannot be used: "));
    EXPECT_THAT(policy.error().message, testing::HasSubstr('"' + bad + '"'));
  }
}

TEST(EgressOptions, TrustedProxiesAreRangesToo) {
  ConfigSources sources;
  sources.flags["trusted-proxies"] = "10.0.0.0/8,::1";
  EXPECT_EQ(trusted_proxies_of(*load_config(sources))->size(), 2U);

  sources.flags["trusted-proxies"] = "proxy.example.com";
  const auto refused = trusted_proxies_of(*load_config(sources));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              testing::StartsWith("--trusted-proxies: trusted-proxies cannot be used: "));
}

}  // namespace
}  // namespace fanfare

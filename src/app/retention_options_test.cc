#include "app/retention_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace fanfare::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<RetentionPolicy> policy_with(std::map<std::string, std::string> flags) {
  ConfigSources sources;
  sources.flags = std::move(flags);
  return retention_of(load_config(sources).value());
}

// One tenant with one webhook that retries once, after two hours.
Webhook webhook_with_long_retries(Directory& directory) {
  directory.put(Tenant{.id = id_of<TenantId>(1),
                       .external_id = {},
                       .name = "T",
                       .metadata = {},
                       .created_at = kStart});
  Webhook webhook = webhook_of(7);
  webhook.settings.retry.schedule = {2h};
  webhook.settings.retry.attempts = 2;
  directory.put(shared(webhook));
  return webhook;
}

TEST(RetentionOptions, TheDefaultsAreThoseOfTheApi) {
  EXPECT_EQ(policy_with({}).value(), RetentionPolicy{});
}

TEST(RetentionOptions, OptionsThatContradictEachOtherAreNamedWithTheirPlace) {
  const auto refused = policy_with({{"retention-deliveries", "10d"}});

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_THAT(refused.error().message, StartsWith("--retention-deliveries: "));
  EXPECT_THAT(refused.error().message, HasSubstr("retention-events"));
}

TEST(RetentionOptions, AWebhookWhoseRetriesOutliveTheirEventsStopsTheStart) {
  Directory directory;
  const Webhook webhook = webhook_with_long_retries(directory);

  const auto refused = check_retries_of_webhooks(directory, {.events = 2h});

  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(to_string(webhook.id)));
  EXPECT_TRUE(check_retries_of_webhooks(directory, {.events = 3h}));
}

TEST(RetentionOptions, AWebhookThatIsGoneDoesNot) {
  Directory directory;
  Webhook webhook = webhook_with_long_retries(directory);
  webhook.is_deleted = true;
  directory.put(shared(webhook));

  EXPECT_TRUE(check_retries_of_webhooks(directory, {.events = 1h}));
}

}  // namespace
}  // namespace fanfare::testing

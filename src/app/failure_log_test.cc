#include "app/failure_log.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

using testing::HasSubstr;

std::string line_for(DisableDecision::Verdict verdict) {
  std::ostringstream out;
  const SystemClock clock;
  {
    Log log(LogOptions{.level = LogLevel::info, .format = LogFormat::json}, clock, out);
    const auto webhook = std::make_shared<const Webhook>();
    failure_logger(log)({webhook, {verdict, 50, 3, "3 deliveries in a row failed."}});
  }
  return out.str();
}

TEST(FailureLog, AWarningAndADisabledWebhookReadDifferently) {
  EXPECT_THAT(line_for(DisableDecision::Verdict::warn), HasSubstr("about to be disabled"));
  EXPECT_THAT(line_for(DisableDecision::Verdict::disable), HasSubstr("was disabled"));
}

TEST(FailureLog, ALineNamesTheWebhookAndWhy) {
  const std::string line = line_for(DisableDecision::Verdict::disable);

  EXPECT_THAT(line, HasSubstr(to_string(WebhookId{})));
  EXPECT_THAT(line, HasSubstr("3 deliveries in a row failed."));
}

}  // namespace
}  // namespace fanfare

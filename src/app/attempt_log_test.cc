#include "app/attempt_log.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

using testing::HasSubstr;

std::string line_for(const WebhookPtr& webhook, std::int64_t version_sent = 3) {
  AttemptOp op;
  op.attempt.webhook_version = version_sent;
  op.attempt.kind = ErrorKind::connect_refused;
  std::ostringstream out;
  const SystemClock clock;
  {
    Log log(LogOptions{.level = LogLevel::info, .format = LogFormat::json}, clock, out);
    attempt_logger(log, [&](WebhookId) { return webhook; })(op);
  }
  return out.str();
}

WebhookPtr webhook_at(const std::string& url) {
  auto webhook = std::make_shared<Webhook>();
  webhook->version = 3;
  webhook->settings.url = url;
  return webhook;
}

TEST(AttemptLog, NamesTheHostAndNothingElseOfTheUrl) {
  const std::string line = line_for(webhook_at("https://hooks.example.com/path?token=secret"));

  EXPECT_THAT(line, HasSubstr(R"("host":"hooks.example.com")"));
  EXPECT_THAT(line, testing::Not(HasSubstr("secret")));
}

TEST(AttemptLog, AnAddressInTheUrlIsItsHost) {
  EXPECT_THAT(line_for(webhook_at("http://127.0.0.1:9000/")), HasSubstr(R"("host":"127.0.0.1")"));
  EXPECT_THAT(line_for(webhook_at("https://[2001:db8::1]/")), HasSubstr(R"("host":"2001:db8::1")"));
}

TEST(AttemptLog, AUrlThatChangedMeanwhileIsNotBlamed) {
  EXPECT_THAT(line_for(webhook_at("https://new.example.com/"), 2), HasSubstr(R"("host":"")"));
}

TEST(AttemptLog, AWebhookThatHasGoneHasNoHost) {
  EXPECT_THAT(line_for(nullptr), HasSubstr(R"("host":"")"));
}

}  // namespace
}  // namespace fanfare

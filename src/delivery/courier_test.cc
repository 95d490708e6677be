#include "delivery/courier.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class CourierTest : public ::testing::Test {
 protected:
  Webhook webhook = webhook_of(1);
  HeldRun held{run_of(5, webhook), payload(R"({"a" : 1})"), kStart};

  Signer signer() const { return *Signer::make(webhook.settings.signature, webhook.secrets); }
  AttemptOp concluded(HttpOutcome outcome, double draw = 0.0) const {
    return conclude(held, webhook, std::move(outcome),
                    {.started_at = kStart, .finished_at = kStart + 1s}, draw);
  }
};

TEST_F(CourierTest, SendsThePublishersBytesInsideTheEnvelope) {
  const SendRequest request = prepare(held, webhook, signer(), kStart);

  EXPECT_EQ(request.body,
            R"({"type":"user.created","timestamp":"2026-01-01T00:00:00.000Z","data":{"a" : 1}})");
}

TEST_F(CourierTest, PutsOwnHeadersFirstAndOursLast) {
  webhook.settings.headers = {{"X-Custom", Secret("v")}};

  const SendRequest request = prepare(held, webhook, signer(), kStart);

  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"X-Custom", "Content-Type", "User-Agent", "webhook-id",
                                             "webhook-timestamp", "webhook-signature"}));
}

TEST_F(CourierTest, TheMessageIdIsTheDeliverysOwn) {
  const SendRequest request = prepare(held, webhook, signer(), kStart);

  EXPECT_EQ(request.headers[2].second, to_string(held.run.delivery));
}

TEST_F(CourierTest, AConnectionIsKeyedByTenantWebhookAndVersion) {
  webhook.version = 9;

  const SendRequest request = prepare(held, webhook, signer(), kStart);

  EXPECT_EQ(request.tenant, webhook.tenant);
  EXPECT_EQ(request.webhook, webhook.id);
  EXPECT_EQ(request.webhook_version, 9);
}

TEST_F(CourierTest, ASuccessEndsTheRun) {
  const AttemptOp op = concluded(answered(204));

  EXPECT_FALSE(op.retry_at);
  EXPECT_EQ(op.final_status, DeliveryStatus::success);
  EXPECT_EQ(op.attempt.number, 1);
}

TEST_F(CourierTest, AFailureIsTriedAgainByThePolicy) {
  const AttemptOp op = concluded(answered(500));

  EXPECT_EQ(op.retry_at, kStart + 1s + 5s);
  EXPECT_EQ(op.attempt.kind, ErrorKind::http_status);
}

TEST_F(CourierTest, TheLastFailureEndsTheRun) {
  held.run.attempts_made = 2;

  const AttemptOp op = concluded(not_answered(ErrorKind::timeout));

  EXPECT_FALSE(op.retry_at);
  EXPECT_EQ(op.final_status, DeliveryStatus::failed);
  EXPECT_EQ(op.attempt.number, 3);
}

TEST_F(CourierTest, GoneIsNotTriedAgain) {
  const AttemptOp op = concluded(answered(410));

  EXPECT_FALSE(op.retry_at);
  EXPECT_EQ(op.final_status, DeliveryStatus::failed);
  EXPECT_EQ(op.attempt.kind, ErrorKind::gone);
}

TEST_F(CourierTest, RetryAfterLengthensTheWait) {
  HttpOutcome outcome = answered(429);
  outcome.headers.emplace_back("Retry-After", "120");

  EXPECT_EQ(concluded(outcome).retry_at, kStart + 1s + 120s);
}

}  // namespace
}  // namespace fanfare

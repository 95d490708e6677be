// What each id names. The prefix is what clients see; the value is a UUIDv7.
#pragma once

#include "base/uuid.h"

namespace fanfare {

struct TenantTag {
  static constexpr std::string_view kPrefix = "tnt";
};
struct WebhookTag {
  static constexpr std::string_view kPrefix = "wh";
};
struct EventTag {
  static constexpr std::string_view kPrefix = "evt";
};
struct DeliveryTag {
  static constexpr std::string_view kPrefix = "dlv";
};
struct AttemptTag {
  static constexpr std::string_view kPrefix = "att";
};
struct BroadcastTag {
  static constexpr std::string_view kPrefix = "bct";
};
struct ApiKeyTag {
  static constexpr std::string_view kPrefix = "key";
};

using TenantId = Id<TenantTag>;
using WebhookId = Id<WebhookTag>;
using EventId = Id<EventTag>;
using DeliveryId = Id<DeliveryTag>;
using AttemptId = Id<AttemptTag>;
using BroadcastId = Id<BroadcastTag>;
using ApiKeyId = Id<ApiKeyTag>;

}  // namespace fanfare

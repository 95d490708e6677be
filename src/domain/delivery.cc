#include "domain/delivery.h"

#include "domain/name_table.h"

namespace fanfare {
namespace {

constexpr Named<DeliveryStatus> kStatuses[] = {
    {DeliveryStatus::pending, "pending"},     {DeliveryStatus::retrying, "retrying"},
    {DeliveryStatus::success, "success"},     {DeliveryStatus::failed, "failed"},
    {DeliveryStatus::cancelled, "cancelled"}, {DeliveryStatus::skipped, "skipped"},
};

constexpr Named<Trigger> kTriggers[] = {
    {Trigger::event, "event"},
    {Trigger::test, "test"},
    {Trigger::retry, "retry"},
    {Trigger::replay, "replay"},
};

}  // namespace

std::string_view name_of(DeliveryStatus status) {
  return name_in(kStatuses, status);
}
std::string_view name_of(Trigger trigger) {
  return name_in(kTriggers, trigger);
}
std::optional<DeliveryStatus> delivery_status_named(std::string_view name) {
  return value_in(kStatuses, name);
}
std::optional<Trigger> trigger_named(std::string_view name) {
  return value_in(kTriggers, name);
}

}  // namespace fanfare

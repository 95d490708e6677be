// The numbers by which enums are stored. They are the enums' own values, so a new value goes to the
// end of its enum and the last one moves here; the assertions catch a value put in between or taken
// away.
#pragma once

#include "domain/audit.h"
#include "domain/delivery.h"
#include "domain/rollup.h"

namespace fanfare::sqlite {

template <class E>
constexpr E last_of();

template <>
constexpr DeliveryStatus last_of<DeliveryStatus>() {
  return DeliveryStatus::skipped;
}
template <>
constexpr Trigger last_of<Trigger>() {
  return Trigger::replay;
}
template <>
constexpr ErrorKind last_of<ErrorKind>() {
  return ErrorKind::tls_certificate;
}
template <>
constexpr Envelope last_of<Envelope>() {
  return Envelope::raw;
}
template <>
constexpr WebhookStatus last_of<WebhookStatus>() {
  return WebhookStatus::disabled;
}
template <>
constexpr Role last_of<Role>() {
  return Role::publish;
}
template <>
constexpr ActorKind last_of<ActorKind>() {
  return ActorKind::anonymous;
}

template <>
constexpr Resolution last_of<Resolution>() {
  return Resolution::day;
}
template <>
constexpr RollupScope last_of<RollupScope>() {
  return RollupScope::system_type;
}

static_assert(static_cast<int>(Resolution::day) == 2);
static_assert(static_cast<int>(RollupScope::system_type) == 4);
static_assert(static_cast<int>(DeliveryStatus::success) == 2);
static_assert(static_cast<int>(DeliveryStatus::skipped) == 5);
static_assert(static_cast<int>(Trigger::retry) == 2 && static_cast<int>(Trigger::replay) == 3);
static_assert(static_cast<int>(ErrorKind::dns) == 6 && static_cast<int>(ErrorKind::timeout) == 12);
static_assert(static_cast<int>(ErrorKind::shutdown) == 15);
static_assert(static_cast<int>(ErrorKind::internal) == 21);
static_assert(static_cast<int>(ErrorKind::dns_timeout) == 22);
static_assert(static_cast<int>(ErrorKind::tls_certificate) == 23);
static_assert(static_cast<int>(Envelope::raw) == 3);
static_assert(static_cast<int>(WebhookStatus::disabled) == 2);
static_assert(static_cast<int>(Role::admin) == 0 && static_cast<int>(Role::publish) == 3);
static_assert(static_cast<int>(ActorKind::jwt) == 3 && static_cast<int>(ActorKind::anonymous) == 4);

}  // namespace fanfare::sqlite

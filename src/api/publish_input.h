// Reading a publish. This is the hot path: the scanner checks the body once, `data` is taken as the
// bytes it came as, and only rare fields meet a JSON parser.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/principal.h"
#include "delivery/engine.h"
#include "domain/profile.h"

namespace fanfare {

struct PublishRules {
  const Directory& directory;
  const Principal& principal;
  bool catalogue_is_open = false;
  std::optional<std::string> tenant;  // named outside the event: in the query, or beside a batch
  bool suggests = true;  // whether errors name the closest that exists, which takes time
  const Profile& profile = standard_profile();
  bool allows_broadcast = false;  // an admin's event without a tenant is for everybody
};

// One event, for everybody if its tenant is nil: the body of POST /events, or one element of a
// batch.
Checked<PublishRequest> read_publish(std::string_view body, const PublishRules& rules);

// The elements of POST /events/batch as views into `body`, and the tenant that it or the query
// names for all of them.
struct BatchBody {
  std::vector<std::string_view> events;
  std::optional<std::string> tenant;
};
Checked<BatchBody> read_batch(std::string_view body, std::optional<std::string> tenant_in_query,
                              const SameTenant& same, const Profile& profile = standard_profile());

// 422 unknown_event_type naming the closest, unless the catalogue knows the type or is open.
std::optional<FieldError> unknown_event_type(const PublishRules& rules, const std::string& name,
                                             std::string pointer);

}  // namespace fanfare

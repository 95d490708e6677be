// The names that a profile's clients use for our fields: taken out of requests before they are
// read, added to answers after they are written. In between everything speaks our own names, so
// what is kept under an Idempotency-Key or bound to a cursor does too. Nothing here costs anything
// where a profile has no names of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "api/json_input.h"
#include "delivery/directory.h"
#include "domain/profile.h"

namespace fanfare {

// ---- requests ----

// Whether the profile's clients name the tenant by this word. The words that everybody may use are
// not among them (json_input.h).
bool is_tenant_word_of(const Profile& profile, std::string_view name);
// Puts a tenant named by the profile's word under one that every reader knows.
void rename_tenant(const Profile& profile, boost::json::object& body);
std::string with_tenant_renamed(const Profile& profile, std::string query);

// A webhook's body in our names. An answer that is sent back with a change has a field under two
// names, one of which may have been changed: that one counts, compared with what `current` has.
struct WebhookNames {
  boost::json::object body;
  std::vector<FieldAlias> used;  // for pointers of errors
  FieldErrors errors;            // two names that say different things
};
using CurrentWebhook = std::function<boost::json::object()>;  // as an answer; null for a new one
WebhookNames in_our_names(const Profile& profile, boost::json::object body,
                          const CurrentWebhook& current);

// ---- answers ----

// Adds the profile's names to every webhook, delivery and attempt of an answer, and its word for
// the tenant with the tenant's external id, which tenant_id itself can have too. Loop thread only.
class AnswerNames {
 public:
  AnswerNames(const Profile& profile, const Directory& directory)
      : profile_(profile), directory_(directory) {}

  // False if no answer differs from our own.
  bool are_needed() const;
  std::string applied(std::string body) const;

 private:
  void write_value(std::string_view value, bool is_root, std::string& out) const;
  void write_object(std::string_view text, bool is_root, std::string& out) const;
  std::string tenant_shown(std::string_view id) const;
  const FieldAliases* aliases_for(std::string_view id) const;

  const Profile& profile_;
  const Directory& directory_;
};

}  // namespace fanfare

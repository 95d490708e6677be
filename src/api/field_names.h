// The API's names of fields, for profiles that give some of them another name. What stands here is
// the contract: a test compares it with what requests take and answers hold.
#pragma once

#include <span>
#include <string_view>

namespace fanfare {

// What a client may set.
std::span<const std::string_view> webhook_request_fields();
std::span<const std::string_view> event_request_fields();
// More that requests have a meaning for: synonyms, members of other bodies, and parameters of
// queries. What names the tenant is not among them.
std::span<const std::string_view> other_request_names();
// What an answer may hold.
std::span<const std::string_view> webhook_answer_fields();
std::span<const std::string_view> delivery_answer_fields();
std::span<const std::string_view> attempt_answer_fields();

}  // namespace fanfare

// Retry policies as requests write them and answers show them: a preset's name, or an object with a
// schedule or with exponential backoff. Pure.
#pragma once

#include <boost/json/value.hpp>

#include "api/json_input.h"
#include "api/json_writer.h"
#include "domain/retry_policy.h"

namespace fanfare {

// "standard" · {"preset", "attempts"?} · {"schedule": ["1m", …], "attempts"?, "jitter"?} ·
// {"backoff": "exponential", "initial"?, "factor"?, "max"?, "attempts"?, "jitter"?}. Errors go to
// `errors`; none then.
std::optional<RetryPolicy> read_retry_policy(const boost::json::value& value,
                                             const std::string& pointer, FieldErrors& errors);

// Writes a value that read_retry_policy reads back as the same policy.
void write_retry_policy(JsonWriter& out, const RetryPolicy& policy);

}  // namespace fanfare

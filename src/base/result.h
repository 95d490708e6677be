// Errors as values. An expected failure (bad input, a full disk, a missing row) is a Result; a
// programmer's error is FANFARE_ASSERT; the outcome of a delivery is neither (see
// domain/outcome.h).
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace fanfare {

// Closed on purpose: api/problem.cc maps each value to one HTTP status.
enum class Errc {
  invalid,               // the input breaks a rule; the message says which
  not_found,             // no such object, or it belongs to somebody else
  conflict,              // the state forbids it (a duplicate name, a finished delivery)
  event_id_conflict,     // the same event_id was published with another body
  version_mismatch,      // If-Match names a version that is no longer current
  idempotency_conflict,  // the Idempotency-Key is already taken
  overloaded,            // a bounded queue is full; trying later helps
  unavailable,           // the store refuses writes or reads now (disk full, I/O error, shutdown)
  corrupt,               // stored or received bytes do not parse
  internal,              // a library failed in a way that no input explains
};

struct Error {
  Errc code = Errc::internal;
  std::string message;  // what was attempted, on what, and what to do; never a secret
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace fanfare

// Unwraps a Result or returns its error: `TRY(auto row, read_row());`
#define FANFARE_TRY_CONCAT2(a, b) a##b
#define FANFARE_TRY_CONCAT(a, b) FANFARE_TRY_CONCAT2(a, b)
#define TRY(declaration, expression)                                   \
  auto FANFARE_TRY_CONCAT(try_result_, __LINE__) = (expression);       \
  if (!FANFARE_TRY_CONCAT(try_result_, __LINE__))                      \
    return tl::unexpected<::fanfare::Error>(                           \
        std::move(FANFARE_TRY_CONCAT(try_result_, __LINE__)).error()); \
  declaration = *std::move(FANFARE_TRY_CONCAT(try_result_, __LINE__))
// The same for Result<void>.
#define TRY_VOID(expression)                                         \
  if (auto FANFARE_TRY_CONCAT(try_result_, __LINE__) = (expression); \
      !FANFARE_TRY_CONCAT(try_result_, __LINE__))                    \
  return tl::unexpected<::fanfare::Error>(                           \
      std::move(FANFARE_TRY_CONCAT(try_result_, __LINE__)).error())

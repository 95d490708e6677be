// Problem: an answer that says no. Every refusal of the API is RFC 9457 application/problem+json,
// and this is the only place where an error becomes an HTTP status. The kinds are one closed table,
// so that the documentation can list them.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http_server.h"

namespace fanfare {

enum class ProblemKind {
  bad_request,
  malformed_json,
  invalid_cursor,
  unauthorized,
  forbidden,
  not_found,
  method_not_allowed,
  request_timeout,
  conflict,
  event_id_conflict,
  idempotency_key_in_use,
  precondition_failed,
  payload_too_large,
  uri_too_long,
  unsupported_media_type,
  validation_failed,
  idempotency_key_reused,
  headers_too_large,
  internal_error,
  not_implemented,
  overloaded,
  unavailable,
  http_version_not_supported,
};

struct ProblemFacts {
  ProblemKind kind;
  std::string_view code;  // the stable slug that clients switch on
  int status;
  std::string_view title;
};
std::span<const ProblemFacts> problem_table();
const ProblemFacts& facts_of(ProblemKind kind);

// What is wrong with one field of the body (`pointer`, RFC 6901) or one parameter of the query
// (`parameter`).
struct FieldError {
  std::string pointer;
  std::string code;
  std::string detail;
  std::string parameter;
};

// The mistakes of one object. A body may hold a million of them, so only the first
// limits::kFieldErrorsMax are kept and the rest is counted.
class FieldErrors {
 public:
  FieldErrors() = default;
  FieldErrors(std::initializer_list<FieldError> errors) : kept_(errors) {}

  void push_back(FieldError error);
  void append(const FieldErrors& others);
  // Whether what is pushed now is only counted: then there is no use in finding words for it.
  bool is_full() const;
  // Has whatever is at `from` or below it point to `to`: another name of the same field.
  void repoint(const std::string& from, const std::string& to);
  // Keeps none, for an answer that has no room for them.
  void clear() { *this = {}; }

  bool empty() const { return kept_.empty(); }
  std::size_t size() const { return kept_.size(); }
  std::size_t omitted() const { return omitted_; }
  const FieldError& front() const { return kept_.front(); }
  const FieldError& operator[](std::size_t index) const { return kept_.at(index); }
  auto begin() const { return kept_.begin(); }
  auto end() const { return kept_.end(); }

 private:
  std::vector<FieldError> kept_;
  std::size_t omitted_ = 0;
};

struct Problem {
  Problem() = default;
  Problem(ProblemKind kind_of, std::string what) : kind(kind_of), detail(std::move(what)) {}
  // Maps each Errc to its kind; the message of an error of ours is not shown.
  Problem(const Error& error);  // NOLINT(google-explicit-constructor): lets TRY work in functions
                                // that answer problems

  int status() const { return facts_of(kind).status; }

  ProblemKind kind = ProblemKind::internal_error;
  std::string detail;
  FieldErrors errors;
  std::optional<int> retry_after_seconds;
  // External ids of tenants that are not there and might be made (ensure_tenant.h); not shown.
  std::vector<std::string> missing_tenants;
  HeaderList headers;  // such as Allow
};

template <class T>
using Checked = tl::expected<T, Problem>;

inline tl::unexpected<Problem> refuse(ProblemKind kind, std::string detail) {
  return tl::unexpected<Problem>(Problem(kind, std::move(detail)));
}

// All errors of one request; the detail repeats the first.
Problem validation_problem(FieldErrors errors);
// The kind for a status that the HTTP server itself refuses with.
ProblemKind kind_of_status(int status);

std::string render_problem(const Problem& problem, std::string_view request_id);
net::HttpResponse response_of(const Problem& problem, std::string_view request_id);
// The headers that every answer of the API carries.
HeaderList common_headers(std::string_view content_type, std::string_view request_id);

}  // namespace fanfare

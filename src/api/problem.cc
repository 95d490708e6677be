#include "api/problem.h"

#include <array>

#include "api/json_writer.h"
#include "base/assert.h"
#include "base/limits.h"

namespace fanfare {
namespace {

using enum ProblemKind;

constexpr std::array kTable = {
    ProblemFacts{bad_request, "bad_request", 400, "Bad request"},
    ProblemFacts{malformed_json, "malformed_json", 400, "Malformed JSON"},
    ProblemFacts{invalid_cursor, "invalid_cursor", 400, "Invalid cursor"},
    ProblemFacts{unauthorized, "unauthorized", 401, "Unauthorized"},
    ProblemFacts{forbidden, "forbidden", 403, "Forbidden"},
    ProblemFacts{not_found, "not_found", 404, "Not found"},
    ProblemFacts{method_not_allowed, "method_not_allowed", 405, "Method not allowed"},
    ProblemFacts{request_timeout, "request_timeout", 408, "Request timeout"},
    ProblemFacts{conflict, "conflict", 409, "Conflict"},
    ProblemFacts{event_id_conflict, "event_id_conflict", 409, "Event id conflict"},
    ProblemFacts{idempotency_key_in_use, "idempotency_key_in_use", 409, "Idempotency-Key in use"},
    ProblemFacts{precondition_failed, "precondition_failed", 412, "Precondition failed"},
    ProblemFacts{payload_too_large, "payload_too_large", 413, "Payload too large"},
    ProblemFacts{uri_too_long, "uri_too_long", 414, "URI too long"},
    ProblemFacts{unsupported_media_type, "unsupported_media_type", 415, "Unsupported media type"},
    ProblemFacts{validation_failed, "validation_failed", 422, "Validation failed"},
    ProblemFacts{idempotency_key_reused, "idempotency_key_reused", 422, "Idempotency-Key reused"},
    ProblemFacts{headers_too_large, "headers_too_large", 431, "Request header fields too large"},
    ProblemFacts{internal_error, "internal_error", 500, "Internal error"},
    ProblemFacts{not_implemented, "not_implemented", 501, "Not implemented"},
    ProblemFacts{overloaded, "overloaded", 503, "Overloaded"},
    ProblemFacts{unavailable, "unavailable", 503, "Unavailable"},
    ProblemFacts{http_version_not_supported, "http_version_not_supported", 505,
                 "HTTP version not supported"},
};

ProblemKind kind_of(Errc code) {
  switch (code) {
    case Errc::invalid:
      return validation_failed;
    case Errc::not_found:
      return not_found;
    case Errc::conflict:
      return conflict;
    case Errc::event_id_conflict:
      return event_id_conflict;
    case Errc::version_mismatch:
      return precondition_failed;
    case Errc::idempotency_conflict:
      return idempotency_key_in_use;
    case Errc::overloaded:
      return overloaded;
    case Errc::unavailable:
      return unavailable;
    case Errc::corrupt:
    case Errc::internal:
      return internal_error;
  }
  return internal_error;
}

// How long a client should wait; the reasons differ in how soon they pass.
std::optional<int> default_retry_after(ProblemKind kind) {
  switch (kind) {
    case idempotency_key_in_use:
    case overloaded:
      return 1;
    case unavailable:
      return 5;
    default:
      return std::nullopt;
  }
}

void write_field_error(JsonWriter& out, const FieldError& error) {
  out.begin_object();
  if (error.parameter.empty()) {
    out.text("pointer", error.pointer);
  } else {
    out.text("parameter", error.parameter);
  }
  out.text("code", error.code).text("detail", error.detail).end_object();
}

}  // namespace

void FieldErrors::push_back(FieldError error) {
  if (is_full()) {
    ++omitted_;
  } else {
    kept_.push_back(std::move(error));
  }
}

void FieldErrors::append(const FieldErrors& others) {
  for (const FieldError& error : others) push_back(error);
  omitted_ += others.omitted_;
}

void FieldErrors::repoint(const std::string& from, const std::string& to) {
  for (FieldError& error : kept_) {
    if (error.pointer == from || error.pointer.starts_with(from + "/"))
      error.pointer.replace(0, from.size(), to);
  }
}

bool FieldErrors::is_full() const {
  return kept_.size() >= limits::kFieldErrorsMax;
}

std::span<const ProblemFacts> problem_table() {
  return kTable;
}

const ProblemFacts& facts_of(ProblemKind kind) {
  const auto& facts = kTable.at(static_cast<std::size_t>(kind));
  FANFARE_ASSERT(facts.kind == kind);
  return facts;
}

Problem::Problem(const Error& error) : kind(kind_of(error.code)), detail(error.message) {
  // What broke inside is for the log; it may name files or hold another tenant's text.
  if (kind == unavailable) {
    detail =
        "The store cannot do this right now; nothing was stored. Try again shortly, and narrow a "
        "list that keeps failing.";
  }
  if (kind == internal_error) {
    detail =
        "The server failed to do this, and nothing in the request explains it. "
        "Name the request_id when you report it.";
  }
}

Problem validation_problem(FieldErrors errors) {
  FANFARE_ASSERT(!errors.empty());
  const FieldError& first = errors.front();
  const std::string& where = first.parameter.empty() ? first.pointer : first.parameter;
  std::string detail = where.empty() ? first.detail : where + ": " + first.detail;
  const std::size_t others = errors.size() - 1 + errors.omitted();
  if (others > 0) detail += " (and " + std::to_string(others) + " more)";
  Problem problem(validation_failed, std::move(detail));
  problem.errors = std::move(errors);
  return problem;
}

ProblemKind kind_of_status(int status) {
  switch (status) {
    case 408:
      return request_timeout;
    case 413:
      return payload_too_large;
    case 414:
      return uri_too_long;
    case 431:
      return headers_too_large;
    case 501:
      return not_implemented;
    case 503:
      return unavailable;
    case 505:
      return http_version_not_supported;
    default:
      return status >= 500 ? internal_error : bad_request;
  }
}

std::string render_problem(const Problem& problem, std::string_view request_id) {
  const ProblemFacts& facts = facts_of(problem.kind);
  JsonWriter out;
  out.begin_object();
  out.text("type", "urn:fanfare:problem:" + std::string(facts.code));
  out.text("title", facts.title).number("status", facts.status).text("detail", problem.detail);
  out.text("code", facts.code).text("request_id", request_id);
  if (!problem.errors.empty()) {
    out.key("errors").begin_array();
    for (const FieldError& error : problem.errors) write_field_error(out, error);
    out.end_array();
    if (problem.errors.omitted() > 0) {
      out.number("more_errors", static_cast<std::int64_t>(problem.errors.omitted()));
    }
  }
  out.end_object();
  return out.take();
}

HeaderList common_headers(std::string_view content_type, std::string_view request_id) {
  HeaderList headers;
  headers.reserve(6);
  if (!content_type.empty()) headers.emplace_back("Content-Type", content_type);
  headers.emplace_back("Cache-Control", "no-store");
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  headers.emplace_back("Request-Id", request_id);
  return headers;
}

net::HttpResponse response_of(const Problem& problem, std::string_view request_id) {
  net::HttpResponse response;
  response.status = problem.status();
  response.headers = common_headers("application/problem+json", request_id);
  for (const auto& header : problem.headers) response.headers.push_back(header);
  const auto wait =
      problem.retry_after_seconds ? problem.retry_after_seconds : default_retry_after(problem.kind);
  if (wait) response.headers.emplace_back("Retry-After", std::to_string(*wait));
  response.body = render_problem(problem, request_id);
  return response;
}

}  // namespace fanfare

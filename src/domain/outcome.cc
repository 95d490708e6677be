#include "domain/outcome.h"

#include <algorithm>

#include "base/ascii.h"
#include "domain/name_table.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

constexpr Named<ErrorKind> kKinds[] = {
    {ErrorKind::none, "none"},
    {ErrorKind::http_status, "http_status"},
    {ErrorKind::redirect, "redirect"},
    {ErrorKind::gone, "gone"},
    {ErrorKind::rate_limited, "rate_limited"},
    {ErrorKind::egress_denied, "egress_denied"},
    {ErrorKind::dns, "dns"},
    {ErrorKind::connect_refused, "connect_refused"},
    {ErrorKind::connect_timeout, "connect_timeout"},
    {ErrorKind::connect_failed, "connect_failed"},
    {ErrorKind::tls, "tls"},
    {ErrorKind::tls_timeout, "tls_timeout"},
    {ErrorKind::timeout, "timeout"},
    {ErrorKind::connection_lost, "connection_lost"},
    {ErrorKind::bad_response, "bad_response"},
    {ErrorKind::shutdown, "shutdown"},
    {ErrorKind::webhook_disabled, "webhook_disabled"},
    {ErrorKind::webhook_deleted, "webhook_deleted"},
    {ErrorKind::cancelled, "cancelled"},
    {ErrorKind::expired, "expired"},
    {ErrorKind::backlog_full, "backlog_full"},
    {ErrorKind::internal, "internal"},
    {ErrorKind::dns_timeout, "dns_timeout"},
    {ErrorKind::tls_certificate, "tls_certificate"},
};

ErrorKind kind_of_status(int status) {
  if (status >= 200 && status <= 299) return ErrorKind::none;
  if (status >= 300 && status <= 399) return ErrorKind::redirect;
  if (status == 410) return ErrorKind::gone;
  if (status == 429) return ErrorKind::rate_limited;
  return ErrorKind::http_status;
}

// The first Retry-After that can be read; later ones and garbage do not count.
std::optional<Millis> retry_after_of(const HeaderList& headers, Timestamp now) {
  for (const auto& [name, value] : headers) {
    if (!equals_ignoring_case(name, "retry-after")) continue;
    if (const auto wait = parse_retry_after(value, now)) return wait;
  }
  return std::nullopt;
}

// A location without what may be a secret: query, fragment, path parameters (;jsessionid=…), user
// name and password. So it holds no semicolon either, and a sentence may go on with one.
std::string without_secrets(std::string_view location) {
  const std::size_t shown_end = location.find_first_of("?#;");
  std::string shown(location.substr(0, shown_end));
  if (shown_end != std::string_view::npos) shown += "?***";
  const std::size_t authority = shown.find("//");
  if (authority == std::string::npos) return shown;
  const std::size_t begin = authority + 2;
  const std::size_t end = std::min(shown.find_first_of("/?", begin), shown.size());
  const std::size_t at = shown.rfind('@', end);
  if (at != std::string::npos && at >= begin && at < end) shown.replace(begin, at - begin, "***");
  return shown;
}

// Where a redirect points, if it can be shown: the receiver wrote it, and it goes into logs and
// pages.
std::string shown_location(const HeaderList& headers) {
  constexpr std::size_t kShownMax = 200;
  for (const auto& [name, value] : headers) {
    if (!equals_ignoring_case(name, "location")) continue;
    const bool is_plain =
        std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 0x7F; });
    std::string shown = is_plain ? without_secrets(value) : std::string();
    if (!shown.empty() && shown.size() <= kShownMax) return shown;
  }
  return {};
}

std::string sentence_about(const HttpOutcome& outcome, const Classified& result) {
  std::string text = "the receiver answered " + std::to_string(outcome.status);
  if (result.kind == ErrorKind::redirect) {
    const std::string location = shown_location(outcome.headers);
    if (!location.empty()) (text += ", a redirect to ") += location;
    text += "; redirects are not followed";
  } else if (result.kind == ErrorKind::gone) {
    text += ", so the webhook was disabled";
  } else if (result.retry_after) {
    text += " and asked to wait " +
            std::to_string(std::chrono::ceil<std::chrono::seconds>(*result.retry_after).count()) +
            " s";
  }
  return text;
}

Classified classify_failure_to_answer(const HttpOutcome& outcome) {
  // Neither an answer nor a reason why not: a bug in a sender must show as a failure, not as
  // silence.
  const ErrorKind kind = outcome.error == ErrorKind::none ? ErrorKind::internal : outcome.error;
  Classified result;
  result.kind = kind;
  result.error = outcome.error_text.empty() ? diagnosis(kind, 0, "") : outcome.error_text;
  return result;
}

}  // namespace

std::string_view name_of(ErrorKind kind) {
  return name_in(kKinds, kind);
}
std::optional<ErrorKind> error_kind_named(std::string_view name) {
  return value_in(kKinds, name);
}

Classified classify(const HttpOutcome& outcome, Timestamp now) {
  if (outcome.status == 0) return classify_failure_to_answer(outcome);
  Classified result;
  result.kind = kind_of_status(outcome.status);
  if (result.kind == ErrorKind::none) {
    result.verdict = Verdict::success;
    return result;
  }
  if (result.kind == ErrorKind::gone) result.verdict = Verdict::disable_webhook;
  if (outcome.status == 429 || outcome.status == 503)
    result.retry_after = retry_after_of(outcome.headers, now);
  result.error = sentence_about(outcome, result);
  return result;
}

}  // namespace fanfare

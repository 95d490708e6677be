// What came of one HTTP request, and what that means for the delivery. A 500, a timeout or a
// refused address is not an error of ours but a fact to classify; the classification is pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace fanfare {

// Why an attempt brought no success. `none` = it did. The slugs are part of the API.
enum class ErrorKind {
  none,
  http_status,    // an answer other than 2xx that no other kind names
  redirect,       // 3xx: not followed
  gone,           // 410: the webhook is disabled
  rate_limited,   // 429
  egress_denied,  // the URL or an address it resolves to may not be reached
  dns,            // the name does not exist or has no address, or its name servers fail
  connect_refused,
  connect_timeout,
  connect_failed,  // unreachable, reset while connecting, no descriptor
  tls,             // handshake or certificate; the error text names the reason
  tls_timeout,
  timeout,           // connected, but the answer was not complete before the attempt's deadline
  connection_lost,   // closed or reset before a whole head arrived
  bad_response,      // not HTTP/1.x, or over a limit
  shutdown,          // the server stopped before the attempt was over; costs no attempt
  webhook_disabled,  // ended without another attempt
  webhook_deleted,
  cancelled,
  expired,
  backlog_full,
  internal,  // ours: the request could not be built (for example a secret that cannot be opened)
  // Kinds are stored by number, so later ones stand at the end.
  dns_timeout,      // nobody answered for the name in time
  tls_certificate,  // the certificate is not accepted; the error text names the reason
};

std::string_view name_of(ErrorKind kind);
std::optional<ErrorKind> error_kind_named(std::string_view name);

using HeaderList = std::vector<std::pair<std::string, std::string>>;

// Milliseconds of each phase; none for a phase that did not happen (a reused connection has no
// connect).
struct Timing {
  std::optional<int> dns_ms, connect_ms, tls_ms, first_byte_ms;
  int total_ms = 0;
};

struct HttpOutcome {
  ErrorKind error =
      ErrorKind::none;        // transport and policy kinds only; `none` when a status line arrived
  std::string error_text;     // one plain sentence, no secrets, no private addresses
  int status = 0;             // 100–599, 0 = no answer
  HeaderList headers;         // as received, at most limits::kResponseHeadersMax
  std::string body;           // at most limits::kResponseBodyKept bytes, as received
  bool is_truncated = false;  // more body came than was kept or read
  Timing timing;
  std::string peer;  // "203.0.113.9:443"; empty if never connected or denied
  std::string tls;   // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS
};

enum class Verdict { success, retry, disable_webhook };

struct Classified {
  Verdict verdict = Verdict::retry;
  ErrorKind kind = ErrorKind::none;
  std::string error;                  // empty on success: what happened, in one plain sentence
  std::optional<Millis> retry_after;  // from 429 and 503 only
};

// Success is 200–299; 410 disables the webhook; everything else is tried again while attempts last.
// Judged by the status line alone: a success whose body never ends is a success.
Classified classify(const HttpOutcome& outcome, Timestamp now);

// A plain sentence for the person who reads the log: what it means and what to do. Never empty but
// for `none`. `error_text` is what classify() said, now or years ago: it tells apart what one kind
// has in common.
std::string diagnosis(ErrorKind kind, int status, std::string_view error_text);

}  // namespace fanfare

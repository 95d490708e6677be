// Plain words for each way an attempt can fail: what it means first, then what to do. The texts are
// for the person who reads the delivery log, who may be the receiver's developer and know nothing
// of this server.
//
// One kind covers several causes, and what is stored beside it is the error's sentence, so that
// sentence decides: the senders' own words (net/, egress/) are looked for in it. A sentence that
// holds none of them gets the text of its kind.
#include <algorithm>

#include "base/ascii.h"
#include "base/assert.h"
#include "domain/outcome.h"
#include "domain/status_diagnosis.h"

namespace fanfare {
namespace {

struct Hint {
  std::string_view words;  // of the error's sentence, in lower case
  std::string_view text;
};

// In every list the first hint that applies is taken: the special before the general.
constexpr Hint kCertificateHints[] = {
    {"has expired",
     "The receiver's certificate, or one it depends on, has expired; renew it, and reload the "
     "server that presents it."},
    {"not valid yet",
     "The receiver's certificate is not valid yet; check its first day and the clock of this "
     "server."},
    {"another host",
     "The receiver's certificate is for another host name; register the name that it is for, or "
     "get a certificate that also names the URL's host."},
    {"self-signed",
     "The receiver signed its certificate itself, so nobody this server trusts vouches for it; "
     "install one from a public authority, or let this server's operator add it to the trusted "
     "certificates."},
    {"unknown authority",
     "The receiver's certificate comes from an authority that this server does not know, or the "
     "receiver does not send the intermediate certificates; install the whole chain there, or "
     "let this server's operator add the authority to the trusted certificates."},
    {"not made for servers",
     "The receiver's certificate is made for another purpose, such as a client or e-mail; get one "
     "for servers (extended key usage serverAuth)."},
    {"may not issue",
     "A certificate in the receiver's chain was issued by one that may not issue any; get a "
     "certificate from a proper authority, and install the chain that came with it."},
    {"too weak",
     "The receiver's certificate has a key or a signature that can be broken; get a new one with "
     "RSA of 2048 bits or more, or ECDSA, signed with SHA-256."},
};
constexpr std::string_view kCertificateText =
    "The receiver's certificate is not accepted; replace it by one for the URL's host from a "
    "public authority.";

constexpr Hint kTlsHints[] = {
    {"client certificate",
     "The receiver wants a client certificate, and this server has none to show; let the receiver "
     "take requests at this path without one, and check their signature instead."},
    {"does not know this host name",
     "The receiver's server has no certificate for the URL's host; check the host in the URL, and "
     "that the receiver's server is configured for it."},
    {"no version of tls",
     "The receiver speaks only outdated versions of TLS; let it offer TLS 1.2 or 1.3."},
    {"nothing in common",
     "This server and the receiver have no way to encrypt in common, or the receiver wants a "
     "client certificate or another host name; let it offer TLS 1.2 or 1.3 with current ciphers, "
     "and check the host in the URL."},
    {"too weak",
     "The receiver offers encryption that can be broken; let it use current ciphers and keys."},
    {"does not speak tls",
     "The URL says https://, but the receiver's port does not speak TLS; check the port in the "
     "URL, or let TLS be set up on it."},
    {"closed the connection",
     "The receiver hung up while the secure connection was set up; check that its port speaks TLS "
     "1.2 or 1.3 for the URL's host, and look for a firewall or proxy that cuts it off."},
};
constexpr std::string_view kTlsText =
    "No secure connection could be made with the receiver; check its certificate and TLS "
    "settings.";

constexpr Hint kDnsHints[] = {
    {"has no address",
     "The host name in the URL exists, but has no address; add an A or AAAA record for it, or "
     "correct the URL."},
    {"does not exist",
     "The host name in the URL does not exist; check it for a typing error, or create its DNS "
     "record."},
    {"too many addresses",
     "The host name in the URL has more addresses than any receiver needs; use a name with fewer "
     "address records."},
    {"too many host names",
     "This server was waiting for many other host names, so it did not look this one up; disable "
     "the webhooks whose host names no longer answer."},
};
constexpr std::string_view kDnsText =
    "The name servers of the URL's host gave no usable answer; check that the domain is paid for "
    "and that its name servers know it.";

constexpr Hint kUnreachableHints[] = {
    {"this server",
     "This server had no free sockets, which is not the receiver's doing; its operator can raise "
     "the limit of open files or lower the number of deliveries in flight."},
    {"no route",
     "There is no way through the network to the receiver's machine; check the address records "
     "of the URL's host, and that the machine is up."},
    {"reset",
     "The receiver's machine broke off the connection while it was opened; check that the "
     "receiver runs, and that no firewall rejects this server."},
};
constexpr std::string_view kUnreachableText =
    "The receiver's machine could not be reached; check its address, its network and its "
    "firewall.";

constexpr Hint kTimeoutHints[] = {
    {"began its answer",
     "The receiver began to answer and then stalled before the attempt's deadline; look for a "
     "handler or proxy that holds its headers back, and let it answer 2xx at once."},
};
constexpr std::string_view kTimeoutText =
    "The receiver did not answer before the attempt's deadline; let the handler answer 2xx at "
    "once and do its work afterwards, or raise the webhook's timeout.";

constexpr Hint kLostHints[] = {
    {"interim",
     "The receiver sent only interim answers (1xx) and hung up before a final one; let its "
     "handler, or the proxy in front of it, answer 200."},
    {"in the middle",
     "The receiver hung up in the middle of its answer; look for a crash, a restart or a proxy "
     "limit there."},
    {"without an answer",
     "The receiver took the request and hung up; look for a crash or a restart there, and check "
     "that the URL's scheme and port are those of an HTTP server (https:// if it speaks TLS)."},
};
constexpr std::string_view kLostText =
    "The receiver closed the connection before it answered; look for a crash, a restart or a "
    "proxy limit there.";

constexpr std::string_view kHeadTooLarge =
    "The head of the receiver's answer is too large; let it send fewer and shorter headers, for "
    "example no cookies.";
constexpr Hint kBadResponseHints[] = {
    {"speaks tls",
     "The URL says http://, but the receiver's port speaks TLS; register the URL with https://."},
    {"not http",
     "What came back is not an HTTP/1.1 answer; check that the URL's port is that of an HTTP "
     "server, and that it takes HTTP/1.1."},
    {"no status",
     "The answer's first line has no status from 100 to 599; let the receiver answer with a "
     "proper status, such as 200."},
    {"too large", kHeadTooLarge},
    {"too long", kHeadTooLarge},
    {"too many header", kHeadTooLarge},
    {"another protocol",
     "The receiver wants to change to another protocol, such as WebSocket; check that the URL "
     "points at the webhook handler."},
    {"interim",
     "The receiver sends interim answers (1xx) and never a final one; let its handler, or the "
     "proxy in front of it, answer 200."},
};
constexpr std::string_view kBadResponseText =
    "What came back breaks the rules of HTTP/1.1, so it cannot be told where the answer ends; "
    "correct the headers that the receiver, or a proxy in front of it, writes.";

constexpr Hint kDeniedHints[] = {
    {"https://",
     "This server sends to https:// only; register the receiver's https:// URL, or let the "
     "operator allow plain http."},
    {"port ",
     "This server does not send to the port in the URL, which belongs to another kind of service; "
     "let the receiver listen on 443, 80 or a port from 1024 up."},
};
constexpr std::string_view kDeniedText =
    "This server may not send to this URL: it, or an address its name resolves to, is private, "
    "reserved or blocked; use a public address, or let the operator allow it.";

constexpr Hint kInternalHints[] = {
    {"custom headers",
     "A custom header of the webhook cannot be sent; correct the webhook's headers."},
};
constexpr std::string_view kInternalText =
    "This server could not build or send the request; its operator finds the reason in its log.";

constexpr Hint kRateLimitedHints[] = {
    {"asked to wait",
     "The receiver takes fewer requests than it got, and said how long to wait; the next attempt "
     "waits at least that long (a day at most), and a rate limit on the webhook avoids it."},
};
constexpr std::string_view kRateLimitedText =
    "The receiver takes fewer requests than it got, and did not say how long to wait "
    "(Retry-After), so the webhook's retry policy decides; a rate limit on the webhook avoids it.";

constexpr Hint kDisabledHints[] = {
    {"when the event arrived",
     "The webhook was disabled when the event arrived, so nothing was sent; enable it and replay "
     "the delivery."},
};
constexpr std::string_view kDisabledText =
    "The webhook was disabled before the delivery was done; enable it and replay the delivery.";

template <std::size_t kSize>
std::string hinted(const Hint (&hints)[kSize], std::string_view error_text,
                   std::string_view otherwise) {
  const std::string lower = lower_case(error_text);
  for (const Hint& hint : hints) {
    if (lower.find(hint.words) != std::string::npos) return std::string(hint.text);
  }
  return std::string(otherwise);
}

// The error's sentence names where to, if that can be shown.
std::string text_of_redirect(std::string_view error_text) {
  constexpr std::string_view kBefore = "a redirect to ";
  const std::string_view answer = "The receiver answered with a redirect";
  const std::string_view rule = ", and redirects are not followed; ";
  const std::size_t before = error_text.find(kBefore);
  if (before == std::string_view::npos) {
    return std::string(answer) + std::string(rule) +
           "register the URL that it leads to, or let the handler answer 200 itself.";
  }
  const std::size_t begin = before + kBefore.size();
  const std::string target(error_text.substr(begin, error_text.find(';', begin) - begin));
  return std::string(answer) + " to " + target + std::string(rule) +
         "register that URL for the webhook; if it is a login page, exempt the webhook's path "
         "from the login.";
}

std::string text_of_sending(ErrorKind kind, std::string_view error_text) {
  switch (kind) {
    case ErrorKind::egress_denied:
      return hinted(kDeniedHints, error_text, kDeniedText);
    case ErrorKind::dns:
      return hinted(kDnsHints, error_text, kDnsText);
    case ErrorKind::dns_timeout:
      return "The name servers of the URL's host did not answer in time; check that they run, and "
             "that this server's operator has working DNS.";
    case ErrorKind::connect_refused:
      return "The receiver's machine refused the connection; check that the receiver runs and "
             "listens on the URL's port.";
    case ErrorKind::connect_timeout:
      return "The receiver's machine did not answer in time; check that it runs and that no "
             "firewall drops the connection.";
    case ErrorKind::connect_failed:
      return hinted(kUnreachableHints, error_text, kUnreachableText);
    case ErrorKind::tls:
      return hinted(kTlsHints, error_text, kTlsText);
    case ErrorKind::tls_certificate:
      return hinted(kCertificateHints, error_text, kCertificateText);
    case ErrorKind::tls_timeout:
      return "The receiver took the connection but did not finish the TLS handshake in time; it is "
             "overloaded, or its port does not speak TLS.";
    case ErrorKind::timeout:
      return hinted(kTimeoutHints, error_text, kTimeoutText);
    case ErrorKind::connection_lost:
      return hinted(kLostHints, error_text, kLostText);
    case ErrorKind::bad_response:
      return hinted(kBadResponseHints, error_text, kBadResponseText);
    default:
      return {};
  }
}

std::string text_of_ending(ErrorKind kind, std::string_view error_text) {
  switch (kind) {
    case ErrorKind::redirect:
      return text_of_redirect(error_text);
    case ErrorKind::gone:
      return "The receiver says that this webhook is gone for good, so it was disabled; correct "
             "the URL and enable it again if that was a mistake.";
    case ErrorKind::rate_limited:
      return hinted(kRateLimitedHints, error_text, kRateLimitedText);
    case ErrorKind::shutdown:
      return "This server stopped before the attempt was over; the delivery goes on after its "
             "restart, and no attempt is lost.";
    case ErrorKind::webhook_disabled:
      return hinted(kDisabledHints, error_text, kDisabledText);
    case ErrorKind::webhook_deleted:
      return "The webhook was deleted before the delivery was done; nothing more is sent.";
    case ErrorKind::cancelled:
      return "Somebody cancelled the delivery; retry it if it is still wanted.";
    case ErrorKind::expired:
      return "The delivery waited longer than its event is kept, so it ended without another "
             "attempt; publish the event again if it is still wanted.";
    case ErrorKind::backlog_full:
      return "Too many deliveries were waiting for this webhook when the event arrived, so it was "
             "skipped; make the receiver faster, then replay what was skipped.";
    case ErrorKind::internal:
      return hinted(kInternalHints, error_text, kInternalText);
    default:
      return {};
  }
}

}  // namespace

std::string diagnosis(ErrorKind kind, int status, std::string_view error_text) {
  if (kind == ErrorKind::none) return {};
  if (kind == ErrorKind::http_status) return diagnosis_of_status(status);
  std::string text = text_of_sending(kind, error_text);
  if (text.empty()) text = text_of_ending(kind, error_text);
  FANFARE_ASSERT(!text.empty());
  return text;
}

}  // namespace fanfare

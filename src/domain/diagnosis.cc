// Plain words for each way an attempt can fail: what it means first, then what to do. The texts are
// for the person who reads the delivery log, who may be the receiver's developer and know nothing
// of this server.
#include <algorithm>

#include "base/assert.h"
#include "domain/outcome.h"

namespace fanfare {
namespace {

struct StatusText {
  int status;
  std::string_view text;
};

constexpr StatusText kStatusTexts[] = {
    {400,
     "The receiver could not make sense of the request; compare the body it got with what its code "
     "expects, and read "
     "the answer for the field it names."},
    {401,
     "The receiver wants credentials or did not accept the signature; check the webhook's secret "
     "and any "
     "Authorization header set on the webhook."},
    {402,
     "The receiver's hosting wants a payment before it answers; its owner has to settle that with "
     "the provider."},
    {403,
     "The receiver, or a firewall in front of it, refused the request; check the secret, let this "
     "server's address "
     "through, and exempt the path from bot and CSRF protection."},
    {404,
     "Nothing is registered at this path; check the URL for a typing error and that the receiver's "
     "new version is "
     "deployed."},
    {405,
     "The path exists but takes no POST; register the handler for POST, and check the URL for a "
     "missing or extra "
     "slash."},
    {406,
     "The receiver cannot answer in a form it thinks is acceptable; let its handler ignore the "
     "Accept header."},
    {407,
     "A proxy in front of the receiver wants credentials; the webhook's URL must be reachable "
     "without that proxy."},
    {408,
     "The receiver gave up waiting for the request; it is overloaded, or a proxy in front of it "
     "has too short a limit."},
    {409,
     "The receiver sees a conflict with something it already has; answer 2xx to a repeated "
     "webhook-id instead."},
    {411,
     "A server in front of the receiver does not accept the request's length; every request "
     "carries Content-Length, so "
     "look for a proxy that removes it."},
    {412,
     "The receiver demands a condition that the request does not carry; remove the precondition "
     "from its handler."},
    {413,
     "The body is larger than the receiver accepts; raise its limit (for example "
     "client_max_body_size of nginx) or "
     "publish smaller data."},
    {414, "The URL is longer than the receiver accepts; shorten the webhook's URL."},
    {415, "The receiver does not take this content type; let its handler accept application/json."},
    {421,
     "The receiver's server does not serve this host name; check the host in the URL and the "
     "server's virtual hosts."},
    {422,
     "The receiver understood the request but refused its content; read its answer for the field "
     "it names, and compare "
     "the envelope with what its code expects."},
    {423,
     "The receiver says that what it would change is locked; it will work once the lock is "
     "released."},
    {424, "Something the receiver depends on failed; look into its logs."},
    {425, "The receiver does not want the request yet; it is tried again later."},
    {426, "The receiver wants a newer protocol; let it accept HTTP/1.1 for this path."},
    {431,
     "The headers are larger than the receiver accepts; set fewer or shorter headers on the "
     "webhook."},
    {451,
     "The receiver refuses for legal reasons, often by the country of the sender; its owner has to "
     "allow this server."},
    {500,
     "The receiver's own code failed while it handled the request; look into its logs at this "
     "time."},
    {501,
     "The receiver does not implement this; check that the URL points at the webhook handler."},
    {502,
     "A proxy in front of the receiver got no valid answer from it; check that the application "
     "behind the proxy is "
     "running."},
    {503,
     "The receiver is overloaded or in maintenance; it is tried again later, after Retry-After if "
     "it named one."},
    {504,
     "A proxy in front of the receiver waited too long for it; let the handler answer at once and "
     "do its work "
     "afterwards."},
    {505, "The receiver does not accept HTTP/1.1; a proxy in front of it can translate."},
    {507, "The receiver has no space left to store the request; free some."},
    {508, "The receiver found a loop in its own processing; look into its logs and proxy rules."},
    {511,
     "A network in front of the receiver wants a login; the webhook's URL must be reachable from "
     "the internet."},
    {520,
     "Cloudflare got an answer from the receiver that it did not understand; look into the "
     "receiver's logs."},
    {521,
     "Cloudflare could not connect to the receiver; start it, or let Cloudflare's addresses "
     "through its firewall."},
    {522,
     "Cloudflare timed out while it connected to the receiver; check the receiver's load and "
     "firewall."},
    {523, "Cloudflare has no way to reach the receiver; check the address in its DNS settings."},
    {524,
     "Cloudflare waited too long for the receiver; let the handler answer at once and do its work "
     "afterwards."},
    {525,
     "The TLS handshake between Cloudflare and the receiver failed; check the receiver's "
     "certificate."},
    {526, "Cloudflare does not trust the receiver's certificate; renew or replace it."},
    {530, "Cloudflare could not serve the receiver's site; read its answer for the error number."},
};

std::string text_of_status(int status) {
  const auto found =
      std::find_if(std::begin(kStatusTexts), std::end(kStatusTexts),
                   [status](const StatusText& entry) { return entry.status == status; });
  if (found != std::end(kStatusTexts)) return std::string(found->text);
  const std::string number = std::to_string(status);
  if (status >= 400 && status <= 499) {
    return "The receiver refused the request with status " + number +
           "; read its answer, and check URL, secret and body format.";
  }
  if (status >= 500 && status <= 599) {
    return "The receiver failed with status " + number + "; look into its logs at this time.";
  }
  return "The receiver answered with a status that is not a final one (" + number +
         "); let its handler answer 200.";
}

struct TlsHint {
  std::string_view word;  // in OpenSSL's or our own reason, in lower case
  std::string_view text;
};
constexpr TlsHint kTlsHints[] = {
    {"expired", "The receiver's certificate has expired; renew it."},
    {"not yet valid",
     "The receiver's certificate is not valid yet; check its dates and this server's clock."},
    {"self-signed",
     "The receiver's certificate is signed by nobody this server trusts; install one from a public "
     "authority, "
     "or add its own to this server's trusted certificates."},
    {"self signed",
     "The receiver's certificate is signed by nobody this server trusts; install one from a public "
     "authority, "
     "or add its own to this server's trusted certificates."},
    {"issuer",
     "The receiver does not send its whole certificate chain; install the intermediate certificate "
     "there."},
    {"mismatch",
     "The receiver's certificate is for another host name; check the URL's host, or get a "
     "certificate that "
     "names it."},
    {"revoked", "The receiver's certificate was revoked; replace it."},
    {"version", "The receiver speaks only outdated versions of TLS; let it offer TLS 1.2 or 1.3."},
    {"wrong version number", "The receiver's port does not speak TLS; check the port in the URL."},
    {"http request", "The receiver's port does not speak TLS; check the port in the URL."},
};

std::string text_of_tls(std::string_view error_text) {
  std::string lower(error_text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  // The last hint that applies: the list goes from the general to the special.
  std::string_view text =
      "No secure connection could be made with the receiver; check its certificate and TLS "
      "settings.";
  for (const TlsHint& hint : kTlsHints) {
    if (lower.find(hint.word) != std::string::npos) text = hint.text;
  }
  return std::string(text);
}

std::string_view text_of_connection(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::egress_denied:
      return "This server may not send to this URL: it, or an address its name resolves to, is "
             "private, reserved or "
             "blocked; use a public address, or let the operator allow it.";
    case ErrorKind::dns:
      return "The host name in the URL did not resolve; check it for a typing error, and its DNS "
             "records.";
    case ErrorKind::connect_refused:
      return "The receiver's machine refused the connection; check that the receiver runs and "
             "listens on the URL's port.";
    case ErrorKind::connect_timeout:
      return "The receiver's machine did not answer in time; check that it runs and that no "
             "firewall drops the connection.";
    case ErrorKind::connect_failed:
      return "The receiver's machine could not be reached; check its address, its network and its "
             "firewall.";
    case ErrorKind::tls_timeout:
      return "The receiver took the connection but did not finish the TLS handshake in time; it is "
             "overloaded, or its "
             "port does not speak TLS.";
    case ErrorKind::timeout:
      return "The receiver did not answer before the attempt's deadline; let the handler answer "
             "2xx at once and do its "
             "work afterwards, or raise the webhook's timeout.";
    case ErrorKind::connection_lost:
      return "The receiver closed the connection before it answered; look for a crash, a restart "
             "or a proxy limit there.";
    case ErrorKind::bad_response:
      return "What came back is not a valid HTTP/1.1 answer, or is over a limit; check that the "
             "URL's port is an HTTP "
             "server and that its headers are well-formed and small.";
    default:
      return {};
  }
}

std::string_view text_of_ending(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::redirect:
      return "The receiver answered with a redirect, and redirects are not followed; set the "
             "webhook's URL to the final "
             "address.";
    case ErrorKind::gone:
      return "The receiver says that this webhook is gone for good, so it was disabled; correct "
             "the URL and enable it "
             "again if that was a mistake.";
    case ErrorKind::rate_limited:
      return "The receiver takes fewer requests than it got; it is tried again later, and a rate "
             "limit on the webhook "
             "avoids it.";
    case ErrorKind::shutdown:
      return "This server stopped before the attempt was over; the delivery goes on after its "
             "restart, and no attempt is "
             "lost.";
    case ErrorKind::webhook_disabled:
      return "The webhook was disabled before the delivery was done; enable it and replay the "
             "delivery.";
    case ErrorKind::webhook_deleted:
      return "The webhook was deleted before the delivery was done; nothing more is sent.";
    case ErrorKind::cancelled:
      return "Somebody cancelled the delivery; retry it if it is still wanted.";
    case ErrorKind::expired:
      return "The delivery waited longer than its event is kept, so it ended without another "
             "attempt; publish the event "
             "again if it is still wanted.";
    case ErrorKind::backlog_full:
      return "Too many deliveries were waiting for this webhook when the event arrived, so it was "
             "skipped; make the "
             "receiver faster, then replay what was skipped.";
    case ErrorKind::internal:
      return "This server could not build or send the request; its operator finds the reason in "
             "its log.";
    default:
      return {};
  }
}

}  // namespace

std::string diagnosis(ErrorKind kind, int status, std::string_view error_text) {
  if (kind == ErrorKind::none) return {};
  if (kind == ErrorKind::http_status) return text_of_status(status);
  if (kind == ErrorKind::tls) return text_of_tls(error_text);
  std::string_view text = text_of_connection(kind);
  if (text.empty()) text = text_of_ending(kind);
  FANFARE_ASSERT(!text.empty());
  return std::string(text);
}

}  // namespace fanfare

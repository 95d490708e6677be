#include "domain/status_diagnosis.h"

#include <algorithm>
#include <string_view>

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

}  // namespace

std::string diagnosis_of_status(int status) {
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

}  // namespace fanfare

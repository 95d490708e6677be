#include "signing/scheme.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/http_token.h"
#include "signing/signer.h"

namespace fanfare {
namespace {

// Names with a meaning for the request itself: a signature under one of these would break or change
// the request. What else an operator does not want is for the API to refuse, when a webhook is
// saved.
constexpr std::array<std::string_view, 16> kReserved = {"connection",
                                                        "content-encoding",
                                                        "content-length",
                                                        "content-type",
                                                        "cookie",
                                                        "expect",
                                                        "host",
                                                        "keep-alive",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "upgrade",
                                                        "user-agent",
                                                        kIdHeader,
                                                        kTimestampHeader,
                                                        "webhook-signature"};

Result<void> check_name(std::string_view name) {
  if (!is_token(name) || name.size() > limits::kCustomHeaderNameBytesMax) {
    return fail(Errc::invalid,
                "would not make a header's name: one has at most 64 letters, digits and hyphens");
  }
  const std::string folded = lower_case(name);
  if (std::ranges::find(kReserved, folded) != kReserved.end()) {
    return fail(Errc::invalid, "would send a signature in the header \"" + folded +
                                   "\", which means something else in a request; choose another");
  }
  return {};
}

}  // namespace

std::string signature_header(const SignatureSettings& settings) {
  switch (settings.scheme) {
    case SignatureScheme::standard:
      return "webhook-signature";
    case SignatureScheme::github:
      return "X-Hub-Signature-256";
    case SignatureScheme::stripe:
      return "Stripe-Signature";
    case SignatureScheme::hex:
      break;
  }
  return settings.header.empty() ? "X-Webhook-Signature" : settings.header;
}

std::string previous_of(std::string_view header) {
  return std::string(header) + "-Previous";
}

std::vector<std::string> header_names(const SignatureSettings& settings) {
  const std::string signature = lower_case(signature_header(settings));
  switch (settings.scheme) {
    case SignatureScheme::standard:
      return {std::string(kIdHeader), std::string(kTimestampHeader), signature};
    case SignatureScheme::stripe: {
      if (settings.header_prefix.empty()) return {signature};
      const std::string prefix = lower_case(settings.header_prefix);
      return {signature, prefix + "-signature", prefix + "-signature-previous",
              prefix + "-timestamp"};
    }
    case SignatureScheme::hex:
    case SignatureScheme::github:
      break;
  }
  return {signature, lower_case(previous_of(signature))};
}

Result<void> check_signature_settings(const SignatureSettings& settings) {
  if (settings.scheme == SignatureScheme::hex) return check_name(signature_header(settings));
  if (settings.scheme != SignatureScheme::stripe || settings.header_prefix.empty()) return {};
  if (lower_case(settings.header_prefix) == "stripe") {
    return fail(Errc::invalid,
                "leave header_prefix out: Stripe-Signature is what the scheme sends by itself");
  }
  return check_name(settings.header_prefix + "-Signature");
}

}  // namespace fanfare

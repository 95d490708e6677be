// The header names of the schemes, shared by signer.cc and verifier.cc so that both sides agree.
#pragma once

#include <string>
#include <string_view>

#include "domain/webhook.h"

namespace fanfare {

inline constexpr std::string_view kIdHeader = "webhook-id";
inline constexpr std::string_view kTimestampHeader = "webhook-timestamp";
inline constexpr std::string_view kGithubPrefix = "sha256=";

// The header that carries the signature of settings.scheme, as it is written on the wire.
std::string signature_header(const SignatureSettings& settings);
// Where a rotated-out secret signs, for schemes whose header holds one signature.
std::string previous_of(std::string_view header);

}  // namespace fanfare

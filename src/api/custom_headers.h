// Which headers a webhook may add to what is sent. Names that frame the message, route it, unlock
// metadata services or are ours are refused; so is every byte that could end a header early. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/webhook.h"

namespace fanfare {

// RFC 9110 token of at most limits::kCustomHeaderNameBytesMax bytes.
bool is_header_name(std::string_view name);
// Why a name may not be set by a webhook; none if it may. `reserved` are lower-case names of its
// own signature.
std::optional<std::string> refused_header_name(std::string_view name,
                                               const std::vector<std::string>& reserved);
// The same for the header that carries a signature: it may have names that custom headers may not.
// What the signer itself cannot send is for check_signature_settings().
std::optional<std::string> refused_signature_header(std::string_view name);
std::optional<std::string> refused_header_value(std::string_view value);

// What answers show in place of a header's value: never enough of it to use.
std::string masked(std::string_view value);

}  // namespace fanfare

// The stored form of WebhookSettings: one JSON object, without header values (those are sealed on
// their own). Fields that an older version did not write read as their defaults.
#pragma once

#include "domain/webhook.h"

namespace fanfare {

std::string encode_settings(const WebhookSettings& settings);
// Header values come back empty, names in order. Errc::corrupt if the text is not what
// encode_settings writes.
Result<WebhookSettings> decode_settings(std::string_view json);

// Header values alone, for sealing: a JSON object of name to value, in order.
Secret encode_headers(const std::vector<CustomHeader>& headers);
Result<std::vector<CustomHeader>> decode_headers(const Secret& json);

std::string encode_metadata(const Metadata& metadata);
Result<Metadata> decode_metadata(std::string_view json);

}  // namespace fanfare

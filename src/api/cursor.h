// Cursors of lists: opaque to clients and authenticated, so that one made for another tenant, list
// or filter, or changed by hand, is refused instead of read. The text is base64url(HMAC-SHA256
// first 16 bytes ‖ key of the last row shown).
#pragma once

#include <string>
#include <string_view>

#include "api/problem.h"
#include "base/secret.h"
#include "signing/digest.h"

namespace fanfare {

// What a cursor is bound to.
struct CursorScope {
  std::string_view list;    // which list, such as "deliveries"
  std::string_view tenant;  // whose rows; empty for lists of the whole system
  std::string_view filter;  // the query parameters that choose rows, in one spelling
};

// Immutable; any thread.
class CursorSigner {
 public:
  explicit CursorSigner(const Secret& key) : key_(key.reveal()) {}

  // `position` is the sort key of the last row of the page: an id's bytes, or a name.
  std::string make(const CursorScope& scope, std::string_view position) const;
  // The position, or 400 invalid_cursor.
  Checked<std::string> open(const CursorScope& scope, std::string_view cursor) const;

 private:
  std::string tag(const CursorScope& scope, std::string_view position) const;
  HmacKey key_;
};

}  // namespace fanfare

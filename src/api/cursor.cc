#include "api/cursor.h"

#include "base/encoding.h"

namespace fanfare {
namespace {

constexpr std::size_t kTagBytes = 16;

}  // namespace

std::string CursorSigner::tag(const CursorScope& scope, std::string_view position) const {
  // Each part is hashed on its own first, so that no two splits of the same bytes give the same
  // tag.
  const std::string list = sha256_bytes(scope.list);
  const std::string tenant = sha256_bytes(scope.tenant);
  const std::string filter = sha256_bytes(scope.filter);
  const Digest digest = key_.mac({"fanfare cursor 1", list, tenant, filter, position});
  return {reinterpret_cast<const char*>(digest.data()), kTagBytes};
}

std::string CursorSigner::make(const CursorScope& scope, std::string_view position) const {
  return base64url_encode(bytes_of(tag(scope, position) + std::string(position)));
}

Checked<std::string> CursorSigner::open(const CursorScope& scope, std::string_view cursor) const {
  const auto bytes = base64url_decode(cursor);
  if (bytes && bytes->size() > kTagBytes) {
    std::string position = bytes->substr(kTagBytes);
    if (equal_constant_time(bytes->substr(0, kTagBytes), tag(scope, position))) return position;
  }
  return refuse(ProblemKind::invalid_cursor,
                "This cursor does not belong to this list and filter. Use next_cursor as it was "
                "returned, with the same parameters, or start again without a cursor.");
}

}  // namespace fanfare

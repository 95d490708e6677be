#include "storage/audit_chain.h"

#include <algorithm>

#include "base/assert.h"

namespace fanfare {
namespace {

constexpr std::string_view kSealPurpose = "fanfare audit seal 1";
constexpr std::size_t kPointBytes = 16 + kAuditHashBytes;

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void append_point(std::string& out, const AuditPoint& point) {
  FANFARE_ASSERT(point.hash.size() == kAuditHashBytes);
  out.append(reinterpret_cast<const char*>(point.id.value.bytes.data()),
             point.id.value.bytes.size());
  out += point.hash;
}

AuditPoint point_in(std::string_view bytes) {
  AuditPoint point;
  std::copy_n(bytes.begin(), point.id.value.bytes.size(), point.id.value.bytes.begin());
  point.hash = bytes.substr(point.id.value.bytes.size());
  return point;
}

}  // namespace

std::string next_audit_hash(std::string_view previous, const AuditEntry& entry) {
  std::string bytes(previous);
  bytes += canonical_bytes(entry);
  return sha256_bytes(bytes);
}

std::string AuditSealer::seal(const AuditEnds& ends) const {
  std::string text;
  append_point(text, ends.anchor);
  append_point(text, ends.head);
  const Digest mac = HmacKey(keys_().front().reveal()).mac({kSealPurpose, text});
  return text.append(bytes_of(mac));
}

Result<AuditEnds> AuditSealer::open(std::string_view seal) const {
  if (seal.size() != 2 * kPointBytes + kAuditHashBytes)
    return fail(Errc::corrupt, "the seal of the audit log does not have its length");
  const std::string_view sealed = seal.substr(0, 2 * kPointBytes);
  const std::vector<Secret> keys = keys_();
  const auto made_it = [&](const Secret& key) {
    const Digest mac = HmacKey(key.reveal()).mac({kSealPurpose, sealed});
    return equal_constant_time(bytes_of(mac), seal.substr(2 * kPointBytes));
  };
  if (std::none_of(keys.begin(), keys.end(), made_it)) {
    return fail(Errc::corrupt,
                "the seal of the audit log was not made by this server's master key");
  }
  return AuditEnds{.anchor = point_in(seal.substr(0, kPointBytes)),
                   .head = point_in(seal.substr(kPointBytes, kPointBytes))};
}

}  // namespace fanfare

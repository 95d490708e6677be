#include "storage/audit_chain.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace fanfare {
namespace {

AuditEnds some_ends() {
  AuditEnds ends;
  ends.anchor.id.value.bytes[0] = 1;
  ends.anchor.hash = std::string(kAuditHashBytes, 'a');
  ends.head.id.value.bytes[0] = 2;
  ends.head.hash = std::string(kAuditHashBytes, 'h');
  return ends;
}

TEST(AuditChain, HashCoversTheRowAndTheOneBefore) {
  AuditEntry entry;
  entry.action = "webhook.created";
  const std::string start(kAuditHashBytes, '\0');
  AuditEntry other = entry;
  other.action = "webhook.deleted";

  const std::string hash = next_audit_hash(start, entry);

  EXPECT_EQ(hash, sha256_bytes(start + canonical_bytes(entry)));
  EXPECT_NE(hash, next_audit_hash(start, other));
  EXPECT_NE(hash, next_audit_hash(hash, entry));
}

// What is stored must verify with every later version.
TEST(AuditChain, HashOfAKnownRowStaysWhatItWas) {
  AuditEntry entry;
  entry.at = timestamp_of_ms(1'772'366'400'000);
  entry.action = "server.started";

  EXPECT_EQ(hex_encode(bytes_of(next_audit_hash(std::string(kAuditHashBytes, '\0'), entry))),
            "c3366cd37e2cd214e657926894d0925ea98f1b816b820c8d047de814faa86b2c");
}

TEST(AuditSealer, OpensWhatItSealed) {
  const AuditSealer sealer(Secret("key"));

  const auto opened = sealer.open(sealer.seal(some_ends()));

  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, some_ends());
}

TEST(AuditSealer, ANewerKeySealsAndAnOlderOneStillOpens) {
  std::vector<Secret> keys = {Secret("old")};
  const AuditSealer sealer([&keys] { return keys; });
  const std::string before = sealer.seal(some_ends());

  keys.insert(keys.begin(), Secret("new"));

  EXPECT_TRUE(sealer.open(before));
  EXPECT_TRUE(AuditSealer(Secret("new")).open(sealer.seal(some_ends())));
}

TEST(AuditSealer, RefusesAnotherKeyAndEveryChangedByte) {
  const std::string seal = AuditSealer(Secret("key")).seal(some_ends());

  EXPECT_FALSE(AuditSealer(Secret("other")).open(seal));
  EXPECT_FALSE(AuditSealer(Secret("key")).open(seal.substr(1)));
  EXPECT_FALSE(AuditSealer(Secret("key")).open(""));
  for (std::size_t i = 0; i < seal.size(); ++i) {
    std::string changed = seal;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(AuditSealer(Secret("key")).open(changed)) << "byte " << i;
  }
}

}  // namespace
}  // namespace fanfare

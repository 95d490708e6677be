#include "signing/seal.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

const SealKey kKey{.id = 0x01020304, .bytes = Secret(std::string(32, 'k'))};
const SealNonce kNonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

TEST(Seal, OpensToWhatWasSealed) {
  for (const std::size_t bytes : {0u, 1u, 16u, 17u, 100'000u}) {
    const Secret plaintext(std::string(bytes, 'p'));

    const auto opened = open_sealed(kKey, "place", seal(kKey, kNonce, "place", plaintext));

    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, plaintext);
  }
}

TEST(Seal, WritesVersionKeyIdAndNonceBeforeTheCiphertext) {
  const std::string sealed = seal(kKey, kNonce, "", Secret("x"));

  EXPECT_EQ(sealed.size(), 1u + 4u + 12u + 1u + 16u);
  EXPECT_EQ(sealed.substr(0, 17),
            "\x01\x01\x02\x03\x04\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c");
}

TEST(Seal, TellsTheKeyIdWithoutTheKey) {
  const auto id = sealed_key_id(seal(kKey, kNonce, "", Secret("x")));

  ASSERT_TRUE(id);
  EXPECT_EQ(*id, 0x01020304u);
}

TEST(Seal, DoesNotOpenWithAnotherKeyOfTheSameId) {
  const SealKey other{.id = kKey.id, .bytes = Secret(std::string(32, 'K'))};

  const auto opened = open_sealed(other, "place", seal(kKey, kNonce, "place", Secret("x")));

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::corrupt);
}

TEST(Seal, DoesNotOpenWithLongerShorterOrNoAdditionalData) {
  const std::string sealed = seal(kKey, kNonce, "place", Secret("x"));

  EXPECT_FALSE(open_sealed(kKey, "place ", sealed));
  EXPECT_FALSE(open_sealed(kKey, "plac", sealed));
  EXPECT_FALSE(open_sealed(kKey, "", sealed));
}

TEST(Seal, RefusesEveryTruncationAndAnyTail) {
  const std::string sealed = seal(kKey, kNonce, "", Secret("payload"));

  for (std::size_t bytes = 0; bytes < sealed.size(); ++bytes) {
    const auto opened = open_sealed(kKey, "", std::string_view(sealed).substr(0, bytes));
    ASSERT_FALSE(opened) << bytes;
    EXPECT_EQ(opened.error().code, Errc::corrupt);
  }
  EXPECT_FALSE(open_sealed(kKey, "", sealed + '\0'));
}

TEST(Seal, ErrorsDoNotRepeatThePlaintext) {
  std::string sealed = seal(kKey, kNonce, "", Secret("hunter2"));
  sealed.back() = static_cast<char>(sealed.back() ^ 1);

  const auto opened = open_sealed(kKey, "", sealed);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message.find("hunter2"), std::string::npos);
}

TEST(SealDeathTest, AKeyOfAnotherLengthIsAProgrammersError) {
  const SealKey weak{.id = 1, .bytes = Secret("short")};

  EXPECT_DEATH(seal(weak, kNonce, "", Secret("x")), "kKeyBytes");
}

}  // namespace
}  // namespace fanfare

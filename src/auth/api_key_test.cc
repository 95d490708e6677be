#include "auth/api_key.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "auth/key_text.h"
#include "base/encoding.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

boost::json::object api_key_vector() {
  std::ifstream file(std::filesystem::path(FANFARE_SOURCE_DIR) /
                     "tests/vectors/signature_vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  return boost::json::parse(text.str()).at("api_key").as_object();
}

std::string text_at(const boost::json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

TEST(KeyText, ReproducesThePublishedVector) {
  const auto vector = api_key_vector();
  const std::string expected = text_at(vector, "key");

  const Secret key = make_key_text("whk_live_", *hex_decode(text_at(vector, "raw_hex")));

  EXPECT_EQ(key.reveal(), expected);
  EXPECT_EQ(key.reveal().substr(0, 17), text_at(vector, "lookup_prefix"));
  EXPECT_EQ(hex_encode(sha256(key.reveal())), text_at(vector, "stored_sha256_hex"));
  EXPECT_TRUE(is_key_text("whk_live_", expected));
  EXPECT_FALSE(is_key_text("whk_test_", expected));
  EXPECT_FALSE(is_well_formed_api_key(expected)) << "the prefix is not ours";
}

TEST(KeyText, KeepsItsLengthForTheSmallestAndTheLargestBytes) {
  for (const char byte : {'\0', '\xff'}) {
    const Secret key = make_key_text("p_", std::string(kKeyBytes, byte));

    EXPECT_EQ(key.reveal().size(), 2 + kKeyDigits + kChecksumDigits);
    EXPECT_TRUE(is_key_text("p_", key.reveal()));
  }
}

TEST(ApiKey, HasTheFormTheApiPromises) {
  SeededRandom random(1);
  const NewApiKey live = generate_api_key(random);
  const NewApiKey test = generate_api_key(random, false);

  EXPECT_EQ(live.text.reveal().size(), 8u + 43u + 6u);
  EXPECT_TRUE(live.text.reveal().starts_with("ff_live_"));
  EXPECT_TRUE(test.text.reveal().starts_with("ff_test_"));
  EXPECT_TRUE(is_well_formed_api_key(live.text.reveal()));
  EXPECT_TRUE(is_well_formed_api_key(test.text.reveal()));
}

TEST(ApiKey, KeepsAPrefixOf16CharactersAndTheHashOfTheWholeText) {
  SeededRandom random(1);
  const NewApiKey key = generate_api_key(random);

  EXPECT_EQ(key.prefix, key.text.reveal().substr(0, 16));
  EXPECT_EQ(key.sha256, sha256_bytes(key.text.reveal()));
}

TEST(ApiKey, IsDifferentEachTime) {
  SeededRandom random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(generate_api_key(random).text.reveal());

  EXPECT_EQ(seen.size(), 1000u);
}

TEST(ApiKey, RefusesEveryChangedCharacter) {
  SeededRandom random(1);
  const std::string good = generate_api_key(random).text.reveal();

  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char replacement : {'0', 'z', '_', ' ', '\0', '\xc3'}) {
      std::string typo = good;
      typo[i] = replacement;
      EXPECT_EQ(is_well_formed_api_key(typo), typo == good) << "character " << i;
    }
  }
}

TEST(ApiKey, RefusesOtherLengthsSwapsAndNothing) {
  SeededRandom random(1);
  const std::string good = generate_api_key(random).text.reveal();
  std::string swapped = good;
  std::swap(swapped[20], swapped[21]);
  ASSERT_NE(swapped, good);

  for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
    EXPECT_FALSE(is_well_formed_api_key(good.substr(0, bytes))) << bytes;
  }
  EXPECT_FALSE(is_well_formed_api_key(good + "0"));
  EXPECT_FALSE(is_well_formed_api_key(good + "\n"));
  EXPECT_FALSE(is_well_formed_api_key(" " + good));
  EXPECT_FALSE(is_well_formed_api_key(swapped));
  EXPECT_FALSE(is_well_formed_api_key("FF_LIVE_" + good.substr(8)));
  EXPECT_FALSE(is_well_formed_api_key("ff_test_" + good.substr(8))) << "the prefix is checked too";
  EXPECT_FALSE(is_well_formed_api_key(std::string(1'000'000, 'a')));
}

}  // namespace
}  // namespace fanfare

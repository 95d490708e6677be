#include "auth/vault.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

using testing::HasSubstr;
using testing::Not;

Secret master(char fill = 'm') {
  return Secret(std::string(32, fill));
}

TenantId tenant_of(std::uint8_t number) {
  Uuid id;
  id.bytes[15] = number;
  return TenantId::from(id);
}

const TenantId kTenant = tenant_of(1);
const TenantId kOther = tenant_of(2);
const SealPlace kPlace{
    .tenant = kTenant, .object = "wh_1", .purpose = "signing_secret", .number = 3};
const Secret kPlaintext("whsec_plaintext");

class VaultTest : public testing::Test {
 protected:
  VaultTest() {
    wrapped_ = vault_.create_tenant_key(kTenant, 7);
    vault_.create_tenant_key(kOther, 8);
  }
  std::string seal(const SealPlace& place = kPlace) { return *vault_.seal(place, kPlaintext); }

  SeededRandom random_{42};
  Vault vault_{master(), random_};
  std::string wrapped_;
};

TEST_F(VaultTest, OpensWhatItSealed) {
  const auto opened = vault_.open(kPlace, seal());

  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(*opened, kPlaintext);
}

TEST_F(VaultTest, SealsTheEmptySecretToo) {
  const auto sealed = vault_.seal(kPlace, Secret());
  ASSERT_TRUE(sealed);

  EXPECT_EQ(vault_.open(kPlace, *sealed)->reveal(), "");
}

TEST_F(VaultTest, NeverSealsTheSameTwice) {
  EXPECT_NE(seal(), seal());
}

TEST_F(VaultTest, SealedBytesHoldNoPlaintextAndNameTheTenantsKey) {
  const std::string sealed = seal();

  EXPECT_THAT(sealed, Not(HasSubstr("plaintext")));
  EXPECT_EQ(*sealed_key_id(sealed), 7u);
}

TEST_F(VaultTest, DoesNotOpenARowThatWasMoved) {
  const std::string sealed = seal();
  std::vector<SealPlace> elsewhere(4, kPlace);
  elsewhere[0].tenant = kOther;
  elsewhere[1].object = "wh_2";
  elsewhere[2].purpose = "headers";
  elsewhere[3].number = 4;

  for (const SealPlace& place : elsewhere) {
    const auto opened = vault_.open(place, sealed);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
  }
}

TEST_F(VaultTest, DoesNotOpenAnotherTenantsRowEvenUnderTheSameKeyAndId) {
  Vault twin(master(), random_);
  ASSERT_TRUE(twin.add_tenant_key(kTenant, 7, wrapped_));
  const std::string sealed = seal();
  ASSERT_TRUE(twin.open(kPlace, sealed));

  EXPECT_FALSE(twin.add_tenant_key(kOther, 7, wrapped_)) << "a data key cannot be moved either";
}

TEST_F(VaultTest, BarsInAnObjectDoNotMakeTwoPlacesOne) {
  const SealPlace with_bar{.tenant = kTenant, .object = "a|p", .purpose = "q", .number = 1};
  const SealPlace without{.tenant = kTenant, .object = "a", .purpose = "p", .number = 1};

  EXPECT_FALSE(vault_.open(without, seal(with_bar)));
  EXPECT_TRUE(vault_.open(with_bar, seal(with_bar)));
}

TEST_F(VaultTest, BindsTheDocumentedAdditionalData) {
  const SealKey key{.id = 7,
                    .bytes = *open_sealed({.id = Vault::master_key_id(master()), .bytes = master()},
                                          "dek|v1|tenant:" + to_string(kTenant), wrapped_)};

  EXPECT_TRUE(
      open_sealed(key, "secret|v1|" + to_string(kTenant) + "|wh_1|signing_secret|3", seal()));
}

TEST_F(VaultTest, DoesNotOpenAnythingThatWasTamperedWith) {
  const std::string sealed = seal();

  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 0x80);
    EXPECT_FALSE(vault_.open(kPlace, changed)) << "byte " << i;
    EXPECT_FALSE(vault_.open(kPlace, sealed.substr(0, i))) << i << " bytes";
  }
}

TEST_F(VaultTest, AnUnknownTenantIsNotFound) {
  const SealPlace place{.tenant = tenant_of(9), .object = "", .purpose = "headers"};

  EXPECT_EQ(vault_.seal(place, kPlaintext).error().code, Errc::not_found);
  EXPECT_EQ(vault_.open(place, seal()).error().code, Errc::not_found);
}

TEST_F(VaultTest, AForgottenTenantIsUnknownFromThenOn) {
  const std::string sealed = seal();
  vault_.forget_tenant(kTenant);
  vault_.forget_tenant(kTenant);

  EXPECT_EQ(vault_.open(kPlace, sealed).error().code, Errc::not_found);
  EXPECT_TRUE(vault_.seal({.tenant = kOther, .object = "", .purpose = "headers"}, kPlaintext));
}

TEST_F(VaultTest, LearnsAStoredKeyAfterARestart) {
  const std::string sealed = seal();
  Vault restarted(master(), random_);

  ASSERT_TRUE(restarted.add_tenant_key(kTenant, 7, wrapped_));

  EXPECT_EQ(*restarted.open(kPlace, sealed), kPlaintext);
}

TEST_F(VaultTest, DoesNotLearnAKeyUnderAnotherMasterKeyOrTenantOrTamperedWith) {
  Vault wrong(master('w'), random_);
  EXPECT_EQ(wrong.add_tenant_key(kTenant, 7, wrapped_).error().code, Errc::corrupt);

  Vault restarted(master(), random_);
  EXPECT_EQ(restarted.add_tenant_key(kOther, 7, wrapped_).error().code, Errc::corrupt);
  std::string changed = wrapped_;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  EXPECT_EQ(restarted.add_tenant_key(kTenant, 7, changed).error().code, Errc::corrupt);
  EXPECT_EQ(restarted.add_tenant_key(kTenant, 7, "").error().code, Errc::corrupt);
  EXPECT_EQ(restarted.open(kPlace, seal()).error().code, Errc::not_found)
      << "a key that did not open is not known";
}

TEST_F(VaultTest, KeyCheckTellsTheMasterKeysApart) {
  const std::string check = vault_.make_key_check();
  Vault same(master(), random_);
  Vault other(master('o'), random_);

  EXPECT_TRUE(same.verify_key_check(check));
  const auto refused = other.verify_key_check(check);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_THAT(refused.error().message, HasSubstr("another master key"));
}

TEST_F(VaultTest, KeyCheckIsPlainTextAndRefusesAnythingElse) {
  const std::string check = vault_.make_key_check();

  EXPECT_TRUE(std::ranges::all_of(check, [](unsigned char c) { return c > 0x20 && c < 0x7f; }));
  for (const std::string& wrong : {std::string(), std::string("x"), check + "=", check.substr(4)}) {
    EXPECT_EQ(vault_.verify_key_check(wrong).error().code, Errc::invalid) << wrong;
  }
}

TEST_F(VaultTest, ErrorsNameThePlaceButNotTheSecret) {
  std::string sealed = seal();
  sealed.back() = static_cast<char>(sealed.back() ^ 1);

  const auto opened = vault_.open(kPlace, sealed);

  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("signing_secret"));
  EXPECT_THAT(opened.error().message, HasSubstr("wh_1"));
  EXPECT_THAT(opened.error().message, Not(HasSubstr("plaintext")));
}

TEST_F(VaultTest, MayBeUsedFromSeveralThreads) {
  SystemRandom random;
  Vault vault(master(), random);
  vault.create_tenant_key(kTenant, 1);
  std::atomic<int> opened = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint8_t number = 10; number < 14; ++number) {
      threads.emplace_back([&, number] {
        for (int i = 0; i < 200; ++i) {
          vault.create_tenant_key(tenant_of(number), number);
          const auto sealed = vault.seal(kPlace, kPlaintext);
          opened += sealed && vault.open(kPlace, *sealed) ? 1 : 0;
          vault.forget_tenant(tenant_of(number));
        }
      });
    }
  }

  EXPECT_EQ(opened, 800);
}

// ---- other keys in their place ----

TEST_F(VaultTest, ANewMasterKeyWrapsAndAnOldOneStillOpens) {
  ASSERT_TRUE(vault_.verify_key_check(vault_.make_key_check()));
  ASSERT_TRUE(vault_.set_master_keys({master('n'), master()}));
  EXPECT_TRUE(vault_.is_key_check_old());

  const auto keys = vault_.rewrapped(10);

  ASSERT_EQ(keys.size(), 2u);
  for (const WrappedKey& key : keys) {
    Vault restarted(master('n'), random_);
    EXPECT_TRUE(restarted.add_tenant_key(key.tenant, key.key_id, key.bytes));
  }
  Vault halfway({master('n'), master()}, random_);
  EXPECT_TRUE(halfway.add_tenant_key(kTenant, 7, wrapped_)) << "not moved yet";
}

TEST_F(VaultTest, AMasterKeyStaysUntilNothingNeedsIt) {
  ASSERT_TRUE(vault_.verify_key_check(vault_.make_key_check()));
  EXPECT_FALSE(vault_.set_master_keys({master('n')}));
  ASSERT_TRUE(vault_.set_master_keys({master('n'), master()}));
  vault_.note_rewrapped(vault_.rewrapped(1));
  EXPECT_EQ(vault_.rewrapped(10).size(), 1u);
  EXPECT_FALSE(vault_.set_master_keys({master('n')}));
  vault_.note_rewrapped(vault_.rewrapped(10));
  EXPECT_FALSE(vault_.set_master_keys({master('n')})) << "the check value is left";
  ASSERT_TRUE(vault_.verify_key_check(vault_.make_key_check()));

  EXPECT_TRUE(vault_.set_master_keys({master('n')}));
  EXPECT_TRUE(vault_.rewrapped(10).empty());
}

TEST_F(VaultTest, ASpareKeySealsOnlyOnceItIsInUseAndTheOldOneStillOpens) {
  const std::string old = seal();
  const std::string wrapped = vault_.add_spare_key(kTenant, 9);
  EXPECT_EQ(*sealed_key_id(seal()), 7u);
  EXPECT_TRUE(vault_.older_keys(kTenant).empty());

  vault_.use_tenant_key(kTenant, 9);

  EXPECT_EQ(*sealed_key_id(seal()), 9u);
  EXPECT_TRUE(vault_.is_older(kTenant, old));
  EXPECT_FALSE(vault_.is_older(kTenant, seal()));
  EXPECT_EQ(*vault_.open(kPlace, old), kPlaintext);
  EXPECT_EQ(vault_.older_keys(kTenant), std::vector<std::uint32_t>{7});
  vault_.retire_key(kTenant, 7);
  EXPECT_TRUE(vault_.older_keys(kTenant).empty());
  EXPECT_EQ(vault_.status().tenants_with_older_keys, 0u);

  Vault restarted(master(), random_);
  ASSERT_TRUE(restarted.add_tenant_key(kTenant, 9, wrapped));
  ASSERT_TRUE(restarted.add_tenant_key(kTenant, 7, wrapped_));
  EXPECT_EQ(*restarted.open(kPlace, old), kPlaintext);
  EXPECT_EQ(*sealed_key_id(*restarted.seal(kPlace, kPlaintext)), 9u) << "the highest id";
}

TEST_F(VaultTest, ASpareKeyThatWasNotStoredIsNoMore) {
  vault_.add_spare_key(kTenant, 9);
  vault_.drop_spare_key(kTenant, 9);
  vault_.use_tenant_key(kTenant, 9);

  EXPECT_EQ(*sealed_key_id(seal()), 7u);
  EXPECT_EQ(vault_.add_spare_key(tenant_of(9), 10), "") << "a tenant without keys gets none";
}

TEST_F(VaultTest, ADataKeyThatHasSealedTooMuchIsReportedOnce) {
  std::vector<TenantId> worn;
  std::vector<std::uint64_t> counts;
  vault_.hooks.on_worn = [&](TenantId tenant) { worn.push_back(tenant); };
  vault_.hooks.on_seals = [&](std::uint32_t, std::uint64_t seals) { counts.push_back(seals); };
  vault_.set_seals(7, Vault::kSealsMax - 1);
  EXPECT_EQ(vault_.status().data_keys_worn, 0u);

  seal();
  seal();

  EXPECT_EQ(worn, std::vector<TenantId>{kTenant});
  EXPECT_EQ(counts, std::vector<std::uint64_t>{Vault::kSealsMax});
  EXPECT_EQ(vault_.status().data_keys_worn, 1u);
}

using VaultDeathTest = VaultTest;

TEST_F(VaultDeathTest, AMasterKeyOfAnotherLengthIsAProgrammersError) {
  EXPECT_DEATH(Vault(Secret("short"), random_), "kKeyBytes");
}

TEST_F(VaultDeathTest, ASecondKeyForATenantIsAProgrammersError) {
  EXPECT_DEATH(vault_.create_tenant_key(kTenant, 9), "is_new");
}

}  // namespace
}  // namespace fanfare

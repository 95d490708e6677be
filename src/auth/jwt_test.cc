#include "auth/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/jwt_vectors.h"
#include "base/encoding.h"
#include "signing/keys.h"

namespace fanfare {
namespace {

using ::testing::HasSubstr;

const std::string kSecret(32, 's');
constexpr std::int64_t kNowSeconds = 1'800'000'000;
const Timestamp kNow = timestamp_of_ms(kNowSeconds * 1000);

std::string part(const std::string& text) {
  return base64url_encode(bytes_of(text));
}

std::string signed_with(const std::string& secret, const std::string& header,
                        const std::string& claims) {
  const std::string text = part(header) + '.' + part(claims);
  const Digest mac = HmacKey(secret).mac({text});
  return text + '.' + base64url_encode(mac);
}

constexpr const char* kHeader = R"({"alg":"HS256","typ":"JWT"})";

std::string seconds(std::int64_t after_now) {
  return std::to_string(kNowSeconds + after_now);
}

// Claims that are in order, with more or other ones.
std::string claims_with(const std::string& more = "") {
  return R"({"sub":"user-1","iat":)" + seconds(-60) + R"(,"exp":)" + seconds(3600) + more + '}';
}

std::string token_of(const std::string& claims, const std::string& header = kHeader) {
  return signed_with(kSecret, header, claims);
}

JwtRules rules_of_tenants() {
  JwtRules rules;
  rules.default_role = Role::tenant;
  return rules;
}

JwtKeys keys_with(const JwtRules& rules = rules_of_tenants(), const std::string& id = "") {
  JwtKeys keys;
  EXPECT_TRUE(keys.add({id, *JwtVerifier::from_secret(Secret(kSecret)), rules}));
  return keys;
}

std::string refusal(const std::string& token, const JwtKeys& keys = keys_with()) {
  const auto claims = verify_jwt(token, keys, kNow);
  EXPECT_FALSE(claims) << token;
  return claims ? "" : claims.error().message;
}

TEST(Jwt, IsReadWhenEverythingIsInOrder) {
  const auto claims = verify_jwt(token_of(claims_with()), keys_with(), kNow);

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->subject, "user-1");
  EXPECT_EQ(claims->tenant, "user-1");
  EXPECT_EQ(claims->role, Role::tenant);
}

TEST(Jwt, OfRfc7515IsReadByEachAlgorithm) {
  JwtRules rules = rules_of_tenants();
  rules.requires_expiry = false;
  rules.tenant_claim = "iss";
  rules.issuer = "joe";
  const Timestamp then = timestamp_of_ms(1'300'819'379'000);
  const auto check = [&](JwtVerifier verifier, const std::string& token) {
    JwtKeys keys;
    ASSERT_TRUE(keys.add({"", std::move(verifier), rules}));
    const auto claims = verify_jwt(token, keys, then);
    ASSERT_TRUE(claims) << claims.error().message;
    EXPECT_EQ(claims->tenant, "joe");
  };

  check(*JwtVerifier::from_secret(Secret(*base64url_decode(testing::kRfc7515A1.key))),
        testing::kRfc7515A1.token());
  check(*JwtVerifier::from_public_key(JwtAlgorithm::rs256, testing::kRfc7515A2.key),
        testing::kRfc7515A2.token());
  check(*JwtVerifier::from_public_key(JwtAlgorithm::es256, testing::kRfc7515A3.key),
        testing::kRfc7515A3.token());
}

TEST(Jwt, IsRefusedWithAnySingleByteChangedToAnyOther) {
  const std::string token = token_of(claims_with());
  const JwtKeys keys = keys_with();

  for (std::size_t i = 0; i < token.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = token;
      changed[i] = static_cast<char>(byte);
      if (changed == token) continue;
      ASSERT_FALSE(read_jwt(changed, keys)) << "byte " << i << " as " << byte;
    }
  }
}

TEST(Jwt, IsRefusedWhereverItIsCut) {
  const std::string token = token_of(claims_with());
  const JwtKeys keys = keys_with();

  for (std::size_t i = 0; i < token.size(); ++i) {
    ASSERT_FALSE(read_jwt(token.substr(0, i), keys)) << i;
    ASSERT_FALSE(read_jwt(token.substr(i + 1), keys)) << i;
  }
}

TEST(JwtShape, HasExactlyThreePartsOfStrictBase64Url) {
  const std::string token = token_of(claims_with());

  EXPECT_THAT(refusal(""), HasSubstr("three parts"));
  EXPECT_THAT(refusal(".."), HasSubstr("header"));
  EXPECT_THAT(refusal(token + ".AAAA"), HasSubstr("three parts"));
  EXPECT_THAT(refusal(token + ".AAAA.AAAA"), HasSubstr("three parts"));
  EXPECT_THAT(refusal(token + "="), HasSubstr("base64url"));
  EXPECT_THAT(refusal(token + " "), HasSubstr("base64url"));
  EXPECT_THAT(refusal(token + std::string(4096, 'A')), HasSubstr("4096"));
}

TEST(JwtShape, RefusesDuplicateKeysDepthAndWhatIsNoObject) {
  const auto deepest =
      verify_jwt(token_of(claims_with(R"(,"a":[[[[[[[1]]]]]]])")), keys_with(), kNow);

  EXPECT_THAT(refusal(token_of(claims_with(R"(,"sub":"user-2")"))), HasSubstr("claims"));
  EXPECT_THAT(refusal(token_of(claims_with(R"(,"\u0073ub":"user-2")"))), HasSubstr("claims"));
  EXPECT_THAT(refusal(token_of(claims_with(), R"({"alg":"HS256","alg":"none"})")),
              HasSubstr("header"));
  EXPECT_THAT(refusal(token_of(claims_with(R"(,"a":[[[[[[[[1]]]]]]]])"))), HasSubstr("8 deep"));
  EXPECT_TRUE(deepest) << deepest.error().message;
  EXPECT_THAT(refusal(token_of("[]")), HasSubstr("claims"));
  EXPECT_THAT(refusal(token_of("null")), HasSubstr("claims"));
  EXPECT_THAT(refusal(token_of(claims_with(), "\"HS256\"")), HasSubstr("header"));
}

class JwtAlgorithmInTheHeader : public ::testing::TestWithParam<std::string> {};

TEST_P(JwtAlgorithmInTheHeader, IsTheKeysOrTheTokenIsRefused) {
  const std::string header = R"({"alg":)" + GetParam() + '}';

  EXPECT_THAT(refusal(token_of(claims_with(), header)), HasSubstr("alg"));
  EXPECT_THAT(refusal(part(header) + '.' + part(claims_with()) + '.'), HasSubstr("alg"));
}

INSTANTIATE_TEST_SUITE_P(Table, JwtAlgorithmInTheHeader,
                         ::testing::Values(R"("none")", R"("None")", R"("NONE")", R"("nOnE")",
                                           R"("")", "null", "1", R"("hs256")", R"("HS384")",
                                           R"("HS512")", R"("RS256")", R"("ES256")", R"("EdDSA")",
                                           R"(["HS256"])", R"("HS256 ")"));

TEST(JwtConfusion, APublicKeyIsNoSecretWhateverTheTokenSays) {
  JwtKeys keys;
  ASSERT_TRUE(
      keys.add({"", *JwtVerifier::from_public_key(JwtAlgorithm::rs256, testing::kRfc7515A2.key),
                rules_of_tenants()}));

  const std::string token = signed_with(testing::kRfc7515A2.key, kHeader, claims_with());
  const std::string pretending =
      signed_with(testing::kRfc7515A2.key, R"({"alg":"RS256"})", claims_with());

  EXPECT_THAT(refusal(token, keys), HasSubstr("alg"));
  EXPECT_THAT(refusal(pretending, keys), HasSubstr("signature"));
}

TEST(JwtHeader, KeysThatTheTokenBringsAlongAreNotLookedAt) {
  const std::string other(32, 'x');
  for (const std::string member :
       {R"("jwk":{"kty":"oct","k":"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"})",
        R"("jku":"https://evil.example/keys")", R"("x5u":"https://evil.example/c")",
        R"("x5c":["MIIB"])"}) {
    const std::string header = R"({"alg":"HS256",)" + std::string(member) + '}';

    EXPECT_THAT(refusal(signed_with(other, header, claims_with())), HasSubstr("signature"));
    EXPECT_TRUE(verify_jwt(token_of(claims_with(), header), keys_with(), kNow));
  }
}

TEST(JwtHeader, CritIsRefused) {
  EXPECT_THAT(refusal(token_of(claims_with(), R"({"alg":"HS256","crit":["b64"],"b64":false})")),
              HasSubstr("crit"));
}

TEST(JwtKeyId, IsOnlyLookedUp) {
  const JwtKeys keys = keys_with(rules_of_tenants(), "key-1");
  const auto with_kid = [](const std::string& kid) {
    return token_of(claims_with(), R"({"alg":"HS256","kid":)" + kid + '}');
  };

  EXPECT_TRUE(verify_jwt(with_kid(R"("key-1")"), keys, kNow));
  EXPECT_TRUE(verify_jwt(token_of(claims_with()), keys, kNow));  // no kid, one key
  for (const std::string kid :
       {R"("key-2")", R"("")", R"("KEY-1")", R"("../../dev/null")", R"("' OR 1=1 --")",
        R"("https://evil.example")", R"("key-1\u0000")", "1", "null", R"(["key-1"])"}) {
    EXPECT_THAT(refusal(with_kid(kid), keys), HasSubstr("kid")) << kid;
  }
  EXPECT_THAT(refusal(with_kid('"' + std::string(65, 'k') + '"'), keys), HasSubstr("kid"));
}

TEST(JwtKeyId, IsNeededWhereThereAreSeveralKeys) {
  JwtKeys keys = keys_with(rules_of_tenants(), "key-1");
  ASSERT_TRUE(keys.add(
      {"key-2", *JwtVerifier::from_secret(Secret(std::string(32, 't'))), rules_of_tenants()}));

  EXPECT_THAT(refusal(token_of(claims_with()), keys), HasSubstr("kid"));
  EXPECT_THAT(refusal(token_of(claims_with(), R"({"alg":"HS256","kid":"key-2"})"), keys),
              HasSubstr("signature"));
}

TEST(JwtKeyId, SelectsNothingWhereTheOnlyKeyHasNone) {
  for (const std::string kid : {"key-1", "u/8b+q=", "A"}) {
    EXPECT_TRUE(verify_jwt(token_of(claims_with(), R"({"alg":"HS256","kid":")" + kid + "\"}"),
                           keys_with(), kNow))
        << kid;
  }
  EXPECT_THAT(refusal(token_of(claims_with(), R"({"alg":"HS256","kid":"../../dev/null"})")),
              HasSubstr("kid"));
}

TEST(JwtKeySet, TakesEachIdOnceAndNoNamelessKeyAmongOthers) {
  const auto verifier = *JwtVerifier::from_secret(Secret(kSecret));
  JwtKeys keys = keys_with(rules_of_tenants(), "key-1");

  EXPECT_FALSE(keys.add({"key-1", verifier, {}}));
  EXPECT_FALSE(keys.add({"", verifier, {}}));
  EXPECT_FALSE(keys.add({"a/b", verifier, {}}));
  EXPECT_FALSE(keys_with().add({"key-1", verifier, {}}));
}

struct Dates {
  std::string claims;  // of dates alone
  std::string reason;  // empty: accepted
};

class JwtDates : public ::testing::TestWithParam<Dates> {};

TEST_P(JwtDates, AreWholeBoundedAndHonouredWithASkewOfAMinute) {
  const auto claims =
      verify_jwt(token_of(R"({"sub":"user-1")" + GetParam().claims + '}'), keys_with(), kNow);

  EXPECT_EQ(claims.has_value(), GetParam().reason.empty());
  const std::string reason = claims ? "" : claims.error().message;
  EXPECT_THAT(reason, HasSubstr(GetParam().reason));
}

std::string dates(const std::string& iat, const std::string& exp, const std::string& nbf = "") {
  return (iat.empty() ? "" : R"(,"iat":)" + iat) + (exp.empty() ? "" : R"(,"exp":)" + exp) +
         (nbf.empty() ? "" : R"(,"nbf":)" + nbf);
}

INSTANTIATE_TEST_SUITE_P(
    Table, JwtDates,
    ::testing::Values(
        Dates{dates("", seconds(60)), "required"}, Dates{dates(seconds(0), ""), "required"},
        Dates{dates(seconds(-100), seconds(-59)), ""},
        Dates{dates(seconds(-100), seconds(-60)), "expired"},
        Dates{dates(seconds(60), seconds(100)), ""},
        Dates{dates(seconds(61), seconds(100)), "not valid yet"},
        Dates{dates(seconds(0), seconds(100), seconds(60)), ""},
        Dates{dates(seconds(0), seconds(100), seconds(61)), "not valid yet"},
        Dates{dates(seconds(0), seconds(86400)), ""},
        Dates{dates(seconds(0), seconds(86401)), "longer than"},
        Dates{dates(seconds(0), seconds(-1)), "before iat"},
        Dates{dates(seconds(0), '"' + seconds(60) + '"'), "integer"},
        Dates{dates(seconds(0), seconds(60) + ".5"), "integer"},
        Dates{dates(seconds(0), seconds(60) + ".0"), "integer"},
        Dates{dates(seconds(0), "1.8e9"), "integer"}, Dates{dates(seconds(0), "1e999"), "integer"},
        Dates{dates(seconds(0), "-1"), "integer"}, Dates{dates("-0", seconds(60)), "integer"},
        Dates{dates(seconds(0), "253402300800"), "integer"},
        Dates{dates(seconds(0), "18446744073709551616"), "integer"},
        Dates{dates(seconds(0), "null"), "integer"}, Dates{dates("true", seconds(60)), "integer"},
        Dates{dates(seconds(0), seconds(60), "[]"), "integer"}));

TEST(JwtWithoutExpiry, IsAcceptedOnlyWhereTheKeySaysSo) {
  JwtRules rules = rules_of_tenants();
  rules.requires_expiry = false;

  EXPECT_TRUE(verify_jwt(token_of(R"({"sub":"user-1"})"), keys_with(rules), kNow));
  EXPECT_TRUE(verify_jwt(token_of(R"({"sub":"user-1","exp":)" + seconds(86400) + '}'),
                         keys_with(rules), kNow));
  EXPECT_FALSE(verify_jwt(token_of(R"({"sub":"user-1","exp":)" + seconds(86461) + '}'),
                          keys_with(rules), kNow));
  EXPECT_FALSE(verify_jwt(token_of(R"({"sub":"user-1","exp":)" + seconds(-60) + '}'),
                          keys_with(rules), kNow));
}

TEST(JwtOutcome, KeptAcrossTimeExpiresAllTheSame) {
  const auto claims = read_jwt(token_of(claims_with()), keys_with());

  ASSERT_TRUE(claims);
  EXPECT_FALSE(claims->is_valid_at(kNow - std::chrono::seconds{121}));
  EXPECT_TRUE(claims->is_valid_at(kNow - std::chrono::seconds{120}));
  EXPECT_TRUE(claims->is_valid_at(kNow + std::chrono::seconds{3659}));
  EXPECT_FALSE(claims->is_valid_at(kNow + std::chrono::seconds{3660}));
}

TEST(JwtAudience, IsExactAndMayBeOneOfSeveral) {
  JwtRules rules = rules_of_tenants();
  rules.audience = "fanfare";
  const JwtKeys keys = keys_with(rules);

  for (const std::string aud : {R"("fanfare")", R"(["fanfare"])", R"(["x", "fanfare"])",
                                R"([ "a,b\"]" ,"fan\u0066are" ])"}) {
    EXPECT_TRUE(verify_jwt(token_of(claims_with(R"(,"aud":)" + aud)), keys, kNow)) << aud;
  }
  for (const std::string aud :
       {R"("Fanfare")", R"("fanfare ")", "[]", R"(["x"])", R"([["fanfare"]])", R"([1,"fanfare"])",
        R"({"fanfare":1})", "null", "1", R"("")"}) {
    EXPECT_THAT(refusal(token_of(claims_with(R"(,"aud":)" + aud)), keys), HasSubstr("aud")) << aud;
  }
  EXPECT_THAT(refusal(token_of(claims_with()), keys), HasSubstr("aud"));
}

TEST(JwtAudience, IsNotAskedForUnlessConfigured) {
  EXPECT_TRUE(verify_jwt(token_of(claims_with(R"(,"aud":"anybody")")), keys_with(), kNow));
}

TEST(JwtIssuer, IsExact) {
  JwtRules rules = rules_of_tenants();
  rules.issuer = "https://issuer.example";
  const JwtKeys keys = keys_with(rules);

  EXPECT_TRUE(verify_jwt(token_of(claims_with(R"(,"iss":"https://issuer.example")")), keys, kNow));
  EXPECT_THAT(refusal(token_of(claims_with(R"(,"iss":"https://issuer.example/")")), keys),
              HasSubstr("iss"));
  EXPECT_THAT(refusal(token_of(claims_with(R"(,"iss":["https://issuer.example"])")), keys),
              HasSubstr("iss"));
  EXPECT_THAT(refusal(token_of(claims_with()), keys), HasSubstr("iss"));
}

TEST(JwtTenant, IsFoundAtAnyClaim) {
  JwtRules rules = rules_of_tenants();
  const auto tenant_at = [&](const std::string& claim, const std::string& more) {
    rules.tenant_claim = claim;
    const auto claims = verify_jwt(token_of(claims_with(more)), keys_with(rules), kNow);
    return claims ? claims->tenant : "refused: " + claims.error().message;
  };

  EXPECT_EQ(tenant_at("org", R"(,"org":"acme")"), "acme");
  EXPECT_EQ(tenant_at("app_metadata.org", R"(,"app_metadata":{"org":"acme"})"), "acme");
  EXPECT_EQ(tenant_at("a.b.c", R"(,"a":{"b":{"c":"acme"}})"), "acme");
  EXPECT_EQ(tenant_at("https://acme.example/org", R"(,"https://acme.example/org":"acme")"), "acme");
  EXPECT_THAT(tenant_at("org", ""), HasSubstr("refused"));
  EXPECT_THAT(tenant_at("org", R"(,"org":"")"), HasSubstr("refused"));
  EXPECT_THAT(tenant_at("org", R"(,"org":17)"), HasSubstr("refused"));
  EXPECT_THAT(tenant_at("org", R"(,"org":["acme"])"), HasSubstr("refused"));
  EXPECT_THAT(tenant_at("a.b", R"(,"a":["b"])"), HasSubstr("refused"));
}

class SupabaseJwt : public ::testing::Test {
 protected:
  SupabaseJwt() {
    rules_.role_claim = "role";
    rules_.roles = {{"service_role", Role::admin}, {"authenticated", Role::tenant}};
    rules_.lifetime_max = std::chrono::hours{24 * 3660};
  }
  Result<JwtClaims> read(const std::string& claims) {
    return verify_jwt(token_of(claims), keys_with(rules_), kNow);
  }
  JwtRules rules_;
};

TEST_F(SupabaseJwt, OfTheServiceIsAnAdminWithoutSubjectForYears) {
  const auto claims = read(R"({"iss":"supabase","ref":"abc","role":"service_role","iat":)" +
                           seconds(0) + R"(,"exp":)" + seconds(315'576'000) + '}');

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->role, Role::admin);
  EXPECT_EQ(claims->tenant, "");
}

TEST_F(SupabaseJwt, OfAUserIsThatTenant) {
  const auto claims = read(claims_with(R"(,"aud":"authenticated","role":"authenticated")"));

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->role, Role::tenant);
  EXPECT_EQ(claims->tenant, "user-1");
}

TEST_F(SupabaseJwt, OfAnybodyElseIsRefused) {
  EXPECT_FALSE(read(claims_with(R"(,"role":"anon")")));
  EXPECT_FALSE(read(claims_with(R"(,"role":["service_role"])")));
  EXPECT_FALSE(read(claims_with()));  // no role, and no default
}

}  // namespace
}  // namespace fanfare

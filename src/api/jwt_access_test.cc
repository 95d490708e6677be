// Bearer JWTs at the door of the API: whose request it is, and when a token stops being one.
#include "api/api_fixture.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

const std::string kSecret(32, 's');

class JwtAccess : public ApiFixture {
 protected:
  JwtAccess() { serve_with(false); }

  void serve_with(bool auto_create_tenants) {
    JwtRules rules;
    rules.role_claim = "role";
    rules.roles = {{"service_role", Role::admin}, {"viewer", Role::read}};
    rules.default_role = Role::tenant;
    JwtKeys keys;
    EXPECT_TRUE(keys.add({"main", *JwtVerifier::from_secret(Secret(kSecret)), std::move(rules)}));
    serve([&](ApiConfig& config) {
      config.jwt_keys = std::move(keys);
      config.on_token_refused = [this](const std::string& reason) { reasons.push_back(reason); };
      config.auto_create_tenants = auto_create_tenants;
    });
  }
  // Valid for an hour from the start.
  std::string token(const std::string& claims, const std::string& secret = kSecret) const {
    const std::int64_t start = ms_of(kStart) / 1000;
    const std::string dates =
        R"("iat":)" + std::to_string(start) + R"(,"exp":)" + std::to_string(start + 3600);
    const std::string text = base64url_encode(bytes_of(R"({"alg":"HS256","kid":"main"})")) + '.' +
                             base64url_encode(bytes_of("{" + dates + claims + "}"));
    return text + '.' + base64url_encode(HmacKey(secret).mac({text}));
  }
  void make_tenant(const std::string& external_id) {
    ASSERT_EQ(
        as_admin("POST", "/api/v1/tenants", R"({"name":"x","external_id":")" + external_id + "\"}")
            .status,
        201);
  }
  int status_of(const std::string& token, const std::string& method = "GET",
                const std::string& target = "/api/v1/webhooks", const std::string& body = "") {
    return call(method, target, body, {token, {}}).status;
  }

  std::vector<std::string> reasons;
};

TEST_F(JwtAccess, IsToTheTenantThatTheTokenNamesByEitherId) {
  make_tenant("user-1");
  const std::string mine = R"({"url":"https://example.com/a","events":["*"]})";

  EXPECT_EQ(status_of(token(R"(,"sub":"user-1")"), "POST", "/api/v1/webhooks", mine), 201);
  const std::string id = to_string(engine->directory().tenant_by_external_id("user-1")->id);
  const auto list = call("GET", "/api/v1/webhooks", "", {token(R"(,"sub":")" + id + '"'), {}});
  EXPECT_EQ(list.json.at("data").as_array().size(), 1U);
}

TEST_F(JwtAccess, OfAnotherTenantSeesNothingOfThis) {
  make_tenant("user-1");
  make_tenant("user-2");
  const std::string body = R"({"url":"https://example.com/a","events":["*"]})";
  const auto made = call("POST", "/api/v1/webhooks", body, {token(R"(,"sub":"user-1")"), {}});

  EXPECT_EQ(status_of(token(R"(,"sub":"user-2")"), "GET", "/api/v1/webhooks/" + made.string("id")),
            404);
}

TEST_F(JwtAccess, GoesAsFarAsTheRole) {
  make_tenant("user-1");

  EXPECT_EQ(status_of(token(R"(,"sub":"user-1","role":"viewer")")), 200);
  EXPECT_EQ(
      status_of(token(R"(,"sub":"user-1","role":"viewer")"), "POST", "/api/v1/webhooks", "{}"),
      403);
  EXPECT_EQ(status_of(token(R"(,"sub":"user-1")"), "GET", "/api/v1/tenants"), 403);
  EXPECT_EQ(status_of(token(R"(,"role":"service_role")"), "GET", "/api/v1/tenants"), 200);
}

TEST_F(JwtAccess, EndsWithTheTokenThoughTheTokenIsRemembered) {
  make_tenant("user-1");
  const std::string mine = token(R"(,"sub":"user-1")");
  ASSERT_EQ(status_of(mine), 200);

  clock.advance(std::chrono::seconds{3659});
  EXPECT_EQ(status_of(mine), 200);
  clock.advance(std::chrono::seconds{1});
  EXPECT_EQ(status_of(mine), 401);
}

TEST_F(JwtAccess, IsRefusedInTheSameWordsWhateverIsWrong) {
  make_tenant("user-1");
  std::vector<std::string> bodies;
  for (const std::string& bad :
       {token(R"(,"sub":"user-1")", std::string(32, 'x')), token(""), token(R"(,"sub":1)"),
        token(R"(,"sub":"user-1","role":"other")"), std::string("a.b.c"), std::string("garbage")}) {
    ApiReply reply = call("GET", "/api/v1/webhooks", "", {bad, {}});

    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer realm=\"fanfare\"");
    reply.json.as_object().erase("request_id");
    bodies.push_back(boost::json::serialize(reply.json));
  }
  for (const std::string& body : bodies) EXPECT_EQ(body, bodies.front());
}

TEST_F(JwtAccess, ToldWhyToTheOperatorOnlyAndWithoutTheToken) {
  const std::string bad = token(R"(,"sub":"user-1")", std::string(32, 'x'));

  EXPECT_EQ(status_of(bad), 401);

  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(reasons[0], "the signature is not the key's");
}

TEST_F(JwtAccess, OfAnUnknownTenantIsForbiddenUnlessTenantsMakeThemselves) {
  const std::string mine = token(R"(,"sub":"user-1")");
  EXPECT_EQ(status_of(mine), 403);
  EXPECT_EQ(engine->directory().tenants().size(), 0U);

  serve_with(true);
  EXPECT_EQ(status_of(mine), 200);
  ASSERT_NE(engine->directory().tenant_by_external_id("user-1"), nullptr);
}

TEST_F(JwtAccess, MakesNoTenantForWhatIsNoExternalIdNorForAnAdminOrARefusedToken) {
  serve_with(true);

  EXPECT_EQ(status_of(token(R"(,"sub":"tnt_unknown")")), 403);
  EXPECT_EQ(status_of(token(R"(,"sub":"a\nb")")), 403);
  EXPECT_EQ(status_of(token(R"(,"sub":"user-1","role":"service_role")"), "GET", "/api/v1/tenants"),
            200);
  EXPECT_EQ(status_of(token(R"(,"sub":"user-1","role":"viewer")"), "POST", "/api/v1/webhooks"),
            403);

  EXPECT_EQ(engine->directory().tenants().size(), 0U);
}

TEST_F(JwtAccess, ComesAsApiKeyHeaderToo) {
  make_tenant("user-1");

  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {"", {{"X-API-Key", token(R"(,"sub":"user-1")")}}})
                .status,
            200);
}

}  // namespace
}  // namespace fanfare

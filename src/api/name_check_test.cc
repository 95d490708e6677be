// Warnings about host names that do not resolve, over the real engine and the store in memory.
#include "api/name_check.h"

#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;
using Status = net::Resolution::Status;

constexpr const char* kBody = R"({"url":"https://hooks.example.com/a","events":["*"]})";

class NameCheck : public ApiFixture {
 protected:
  NameCheck() { acme = make_party("Acme"); }

  Pending begin_create(HeaderList headers = {}) {
    return begin("POST", "/api/v1/webhooks", kBody, {acme.key, std::move(headers)});
  }
  ApiReply create(HeaderList headers = {}) { return await(begin_create(std::move(headers))); }
  // A webhook whose name resolved when it was made.
  std::string made() {
    const std::string id = create().string("id");
    resolver.asked.clear();
    return id;
  }
  ApiReply change(const std::string& id, const std::string& body, HeaderList headers = {}) {
    return call("PATCH", "/api/v1/webhooks/" + id, body, {acme.key, std::move(headers)});
  }
  ApiReply shown(const std::string& id) {
    return call("GET", "/api/v1/webhooks/" + id, "", {acme.key, {}});
  }
  std::size_t count() {
    const auto reply = call("GET", "/api/v1/webhooks", "", {acme.key, {}});
    return reply.json.at("data").as_array().size();
  }
  // Webhooks that the tenant has from before, straight into memory.
  void fill_up_to(std::size_t wanted) {
    const TenantId tenant = *parse_id<TenantTag>(acme.tenant);
    for (int i = 1; engine->directory().webhook_count(tenant) < wanted; ++i) {
      Webhook webhook = webhook_of(i, {});
      webhook.tenant = tenant;
      engine->directory().put(shared(std::move(webhook)));
    }
  }
  // As many creates as there are look-ups for a tenant, none of them answered.
  std::vector<Pending> fill_look_ups() {
    resolver.is_silent = true;
    std::vector<Pending> pending;
    for (int i = 0; i < limits::kNameChecksPerTenantMax; ++i) pending.push_back(begin_create());
    EXPECT_EQ(resolver.asked.size(), pending.size());
    return pending;
  }
  // Until the request waits for the resolver and for nothing else.
  void wait_for_question() {
    ASSERT_TRUE(turn_until([this] { return !resolver.waiting.empty(); }));
  }
  static bool warns(const ApiReply& reply) { return reply.json.as_object().contains("warnings"); }
  static std::string warning_in(const ApiReply& reply) {
    const auto* list = reply.json.as_object().if_contains("warnings");
    if (list == nullptr || list->as_array().size() != 1) return "";
    return std::string(list->at(0).as_string());
  }

  Party acme;
};

TEST_F(NameCheck, ANameThatResolvesIsNoWarning) {
  const auto reply = create();

  EXPECT_EQ(reply.status, 201);
  EXPECT_FALSE(warns(reply));
  EXPECT_EQ(resolver.asked, std::vector<std::string>{"hooks.example.com"});
}

TEST_F(NameCheck, ANameThatDoesNotResolveIsSavedWithAWarning) {
  for (const auto& [status, why] :
       {std::pair{Status::not_found, "the host name does not exist"},
        std::pair{Status::no_address, "the host name has no address"},
        std::pair{Status::failed, "the host name's name servers gave no usable answer"},
        std::pair{Status::timed_out, "the host name's name servers did not answer in time"},
        std::pair{Status::too_many, "the host name has too many addresses"}}) {
    resolver.status = status;

    const auto reply = create();

    EXPECT_EQ(reply.status, 201);
    EXPECT_EQ(warning_in(reply),
              "The URL's host name \"hooks.example.com\" was looked up and does not resolve: " +
                  std::string(why) +
                  ". The webhook is saved; its deliveries will fail, and be tried again as its "
                  "retry policy says, until the name resolves.");
    EXPECT_FALSE(warns(shown(reply.string("id")))) << "a warning belongs to the change";
  }
}

TEST_F(NameCheck, ALookUpThatTheTenantHasNoRoomForSaysNothing) {
  resolver.status = Status::overloaded;

  const auto reply = create();

  EXPECT_EQ(reply.status, 201);
  EXPECT_FALSE(warns(reply));
}

TEST_F(NameCheck, NoAnswerInTimeIsAWarningThatNothingIsKnown) {
  resolver.is_silent = true;
  const auto pending = begin_create();

  loop.advance(limits::kNameCheckMax - 1ms);
  EXPECT_FALSE(pending->has_value());
  EXPECT_EQ(count(), 0U) << "nothing is stored before the warnings are known";
  loop.advance(1ms);

  const auto reply = await(pending);
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(warning_in(reply),
            "The URL's host name \"hooks.example.com\" was looked up without an answer within 1s, "
            "so whether it resolves is not known. The webhook is saved; if the name does not "
            "resolve, its deliveries will fail, and be tried again as its retry policy says, until "
            "it does.");
}

TEST_F(NameCheck, AnAnswerAfterTheDeadlineChangesNothing) {
  resolver.is_silent = true;
  const auto pending = begin_create();
  loop.advance(limits::kNameCheckMax);
  ASSERT_EQ(await(pending).status, 201);

  resolver.answer_all();
  loop.run_posted();

  EXPECT_EQ(count(), 1U);
}

TEST_F(NameCheck, AnAnswerEndsTheDeadline) {
  resolver.is_silent = true;
  const std::size_t before = loop.timers();
  const auto pending = begin_create();
  EXPECT_EQ(loop.timers(), before + 1);

  resolver.answer_all();

  EXPECT_FALSE(warns(await(pending)));
  EXPECT_EQ(loop.timers(), before);
}

TEST_F(NameCheck, ATenantWithTooManyLookUpsIsAskedNoFurtherName) {
  const auto waiting = fill_look_ups();
  resolver.status = Status::not_found;

  const auto reply = create();

  EXPECT_EQ(reply.status, 201);
  EXPECT_FALSE(warns(reply));
  EXPECT_EQ(resolver.asked.size(), waiting.size());
}

TEST_F(NameCheck, AnotherTenantIsNotHeldUpByThem) {
  const auto waiting = fill_look_ups();
  const Party rival = make_party("Rival");

  begin("POST", "/api/v1/webhooks", kBody, {rival.key, {}});

  EXPECT_EQ(resolver.asked.size(), waiting.size() + 1);
}

TEST_F(NameCheck, ALookUpCountsUntilTheResolverAnswersAndNotUntilTheDeadline) {
  const auto waiting = fill_look_ups();
  loop.advance(limits::kNameCheckMax);
  for (const auto& pending : waiting) EXPECT_TRUE(warns(await(pending)));

  EXPECT_FALSE(warns(create()));
  EXPECT_EQ(resolver.asked.size(), waiting.size());

  resolver.status = Status::not_found;
  resolver.is_silent = false;
  resolver.answer_all();
  loop.run_posted();
  EXPECT_TRUE(warns(create()));
}

TEST_F(NameCheck, AnAddressIsNotLookedUp) {
  for (const char* url : {"https://93.184.216.34/a", "https://[2606:4700::1111]:8443/a"}) {
    const auto reply =
        call("POST", "/api/v1/webhooks", R"({"events":["*"],"url":")" + std::string(url) + "\"}",
             {acme.key, {}});

    EXPECT_EQ(reply.status, 201) << reply.text;
    EXPECT_FALSE(warns(reply));
  }
  EXPECT_TRUE(resolver.asked.empty());
}

TEST_F(NameCheck, ARefusedRequestLooksNothingUp) {
  const std::string id = made();

  EXPECT_EQ(
      call("POST", "/api/v1/webhooks", R"({"url":"https://a.example/"})", {acme.key, {}}).status,
      422);
  EXPECT_EQ(change(id, R"({"url":"https://a.example/","nmae":1})").status, 422);
  EXPECT_EQ(change(id, R"({"url":"https://a.example/"})", {{"If-Match", "\"7\""}}).status, 412);

  EXPECT_TRUE(resolver.asked.empty());
}

TEST_F(NameCheck, ATenantWithoutRoomForAWebhookLooksNothingUp) {
  fill_up_to(limits::kWebhooksPerTenantMax);

  const auto reply = create();

  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.string("detail"), "A tenant may have at most 10000 webhooks.");
  EXPECT_TRUE(resolver.asked.empty());
}

TEST_F(NameCheck, TheRoomForAWebhookIsJudgedAfterTheLookUpToo) {
  fill_up_to(limits::kWebhooksPerTenantMax - 1);
  resolver.is_silent = true;
  const auto pending = begin_create();
  wait_for_question();
  fill_up_to(limits::kWebhooksPerTenantMax);

  resolver.answer_all();

  EXPECT_EQ(await(pending).status, 409);
}

TEST_F(NameCheck, AChangeThatKeepsTheUrlLooksNothingUp) {
  const std::string id = made();
  resolver.status = Status::not_found;

  const auto reply = change(id, R"({"url":"https://hooks.example.com/a","name":"new"})");

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.string("name"), "new");
  EXPECT_FALSE(warns(reply));
  EXPECT_TRUE(resolver.asked.empty());
}

TEST_F(NameCheck, AChangeOfTheUrlIsStoredWithAWarning) {
  const std::string id = made();
  resolver.status = Status::not_found;

  const auto reply = change(id, R"({"url":"https://hoks.example.com/a"})");

  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(warning_in(reply).find("\"hoks.example.com\""), std::string::npos);
  EXPECT_EQ(shown(id).string("url"), "https://hoks.example.com/a");
  EXPECT_EQ(resolver.asked, std::vector<std::string>{"hoks.example.com"}) << "once";
}

TEST_F(NameCheck, WhatWasAnsweredMayBeSentBack) {
  const std::string id = made();
  resolver.status = Status::not_found;
  auto body = change(id, R"({"url":"https://hoks.example.com/a"})").json.as_object();
  ASSERT_TRUE(body.contains("warnings"));

  const auto reply = change(id, boost::json::serialize(body));

  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_FALSE(warns(reply)) << "its URL is what it was";
}

TEST_F(NameCheck, AChangeMadeWhileTheNameIsLookedUpIsKept) {
  const std::string id = made();
  resolver.is_silent = true;
  const auto pending =
      begin("PATCH", "/api/v1/webhooks/" + id, R"({"url":"https://b.example/a"})", {acme.key, {}});
  wait_for_question();
  ASSERT_EQ(change(id, R"({"name":"meanwhile"})").status, 200);

  resolver.answer_all();

  EXPECT_EQ(await(pending).status, 200);
  const auto after = shown(id);
  EXPECT_EQ(after.string("url"), "https://b.example/a");
  EXPECT_EQ(after.string("name"), "meanwhile");
  EXPECT_EQ(resolver.asked.size(), 1U);
}

TEST_F(NameCheck, IfMatchIsJudgedAfterTheLookUpToo) {
  const std::string id = made();
  resolver.is_silent = true;
  const auto pending = begin("PATCH", "/api/v1/webhooks/" + id, R"({"url":"https://b.example/a"})",
                             {acme.key, {{"If-Match", "\"1\""}}});
  wait_for_question();
  ASSERT_EQ(change(id, R"({"name":"meanwhile"})").status, 200);

  resolver.answer_all();

  EXPECT_EQ(await(pending).status, 412);
}

TEST_F(NameCheck, ARepetitionRepeatsTheWarnings) {
  resolver.status = Status::not_found;
  const auto first = create({{"Idempotency-Key", "k"}});
  resolver.status = Status::found;

  const auto second = create({{"Idempotency-Key", "k"}});

  EXPECT_NE(warning_in(first), "");
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(resolver.asked.size(), 1U);
  EXPECT_EQ(count(), 1U);
}

TEST_F(NameCheck, ARepetitionDuringTheLookUpIsToldThatTheFirstRuns) {
  resolver.is_silent = true;
  const auto first = begin_create({{"Idempotency-Key", "k"}});
  wait_for_question();

  EXPECT_EQ(create({{"Idempotency-Key", "k"}}).string("code"), "idempotency_key_in_use");

  resolver.answer_all();
  EXPECT_EQ(await(first).status, 201);
}

TEST_F(NameCheck, AStopThatCutsTheLookUpOffStoresNothingAndFreesTheKey) {
  resolver.is_silent = true;
  const auto pending = begin_create({{"Idempotency-Key", "k"}});
  wait_for_question();
  ASSERT_EQ(shared_state->running->size(), 1U);

  loop.drop_all();
  resolver.waiting.clear();

  EXPECT_EQ(shared_state->running->size(), 0U);
  EXPECT_FALSE(pending->has_value());
  EXPECT_EQ(count(), 0U);
}

TEST_F(NameCheck, WhatComesAfterTheHandlerHasGoneIsDropped) {
  resolver.is_silent = true;
  const auto answered_late = begin_create();
  const auto never_answered = begin_create();
  ASSERT_EQ(resolver.waiting.size(), 2U);
  const auto not_answered = std::move(resolver.waiting.back());
  resolver.waiting.pop_back();

  api.reset();
  resolver.answer_all();
  loop.advance(limits::kNameCheckMax);

  EXPECT_FALSE(answered_late->has_value());
  EXPECT_FALSE(never_answered->has_value());
}

// ---- the checker by itself ----

class NameCheckerTest : public ::testing::Test {
 protected:
  // Asks for a name of the tenant; its warnings go into `answers`.
  void check(int tenant, const std::string& url = "https://hooks.example.com/a") {
    checker->check(url, id_of<TenantId>(tenant),
                   [this](const Warnings& warnings) { answers.push_back(warnings.size()); });
  }

  SimClock clock{kStart};
  SimLoop loop{clock};
  ToldResolver resolver{loop};
  std::optional<NameChecker> checker{std::in_place, loop, resolver, UrlRules{}};
  std::vector<std::size_t> answers;  // how many warnings each had
};

TEST_F(NameCheckerTest, ATenantIsForgottenWithItsLastAnswer) {
  resolver.is_silent = true;
  check(1);
  check(1);
  check(2);
  EXPECT_EQ(checker->tenants_asking(), 2U);
  loop.advance(limits::kNameCheckMax);
  EXPECT_EQ(checker->tenants_asking(), 2U) << "the resolver still asks";

  resolver.answer_all();
  loop.run_posted();

  EXPECT_EQ(checker->tenants_asking(), 0U);
  EXPECT_EQ(answers, (std::vector<std::size_t>{1, 1, 1})) << "each once";
}

TEST_F(NameCheckerTest, AQuestionThatTheResolverForgetsIsCountedNoMore) {
  resolver.is_silent = true;
  check(1);

  resolver.waiting.clear();
  EXPECT_EQ(checker->tenants_asking(), 0U);

  loop.advance(limits::kNameCheckMax);
  EXPECT_EQ(answers, std::vector<std::size_t>{1});
}

TEST_F(NameCheckerTest, AnAnswerMakesRoomBeforeItIsToldOf) {
  resolver.is_silent = true;
  for (int i = 1; i < limits::kNameChecksPerTenantMax; ++i) check(1);
  checker->check("https://a.example/", id_of<TenantId>(1), [this](const Warnings&) { check(1); });
  const std::size_t asked = resolver.asked.size();
  auto last = std::move(resolver.waiting.back());
  resolver.waiting.pop_back();

  last({Status::not_found, {}});

  EXPECT_EQ(resolver.asked.size(), asked + 1);
  EXPECT_TRUE(answers.empty());
}

TEST_F(NameCheckerTest, AUrlWithoutANameAnswersAtOnceAndTakesNoPlace) {
  for (const char* url : {"https://93.184.216.34/", "not a url", ""}) check(1, url);

  EXPECT_EQ(answers, (std::vector<std::size_t>{0, 0, 0}));
  EXPECT_EQ(checker->tenants_asking(), 0U);
  EXPECT_EQ(loop.timers(), 0U);
}

// A name in the resolver's cache.
class PromptResolver final : public net::Resolver {
 public:
  void resolve(const std::string&, const TenantId&, Done done) override {
    done({Status::not_found, {}});
  }
};

TEST_F(NameCheckerTest, AnAnswerThatIsKnownAlreadyLeavesNothingBehind) {
  PromptResolver prompt;
  checker.emplace(loop, prompt, UrlRules{});

  for (int i = 0; i <= limits::kNameChecksPerTenantMax; ++i) check(1);

  EXPECT_EQ(answers, std::vector<std::size_t>(limits::kNameChecksPerTenantMax + 1, 1));
  EXPECT_EQ(checker->tenants_asking(), 0U);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST_F(NameCheckerTest, NobodyIsToldOnceItHasGone) {
  resolver.is_silent = true;
  check(1);
  check(2);
  auto first = std::move(resolver.waiting.front());
  checker.reset();

  first({Status::not_found, {}});
  loop.advance(limits::kNameCheckMax);
  resolver.waiting.clear();

  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace fanfare

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
       {std::pair{Status::not_found, "the host name does not exist or has no address"},
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

TEST_F(NameCheck, NoAnswerWithinASecondIsAWarning) {
  resolver.is_silent = true;
  const auto pending = begin_create();

  loop.advance(kNameCheckMax - 1ms);
  EXPECT_FALSE(pending->has_value());
  EXPECT_EQ(count(), 0U) << "nothing is stored before the warnings are known";
  loop.advance(1ms);

  const auto reply = await(pending);
  EXPECT_EQ(reply.status, 201);
  EXPECT_NE(warning_in(reply).find("there was no answer within 1 s"), std::string::npos);
}

TEST_F(NameCheck, AnAnswerAfterTheDeadlineChangesNothing) {
  resolver.is_silent = true;
  const auto pending = begin_create();
  loop.advance(kNameCheckMax);
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

}  // namespace
}  // namespace fanfare

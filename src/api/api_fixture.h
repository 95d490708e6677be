// The whole API without sockets: the real handler and engine over the memory store, a sender that
// answers as told, and a loop cranked by hand. For tests only.
#pragma once

#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "api/api_handler.h"
#include "delivery/engine_parts.h"
#include "storage/memory/memory_store.h"
#include "tests/support/builders.h"
#include "tests/support/sim_loop.h"

namespace fanfare::testing {

// Answers every request at once with `status`.
class InstantSender final : public Sender {
 public:
  explicit InstantSender(Loop& loop) : loop_(loop) {}
  void send(SendRequest request, Done done) override {
    sent.push_back(request);
    loop_.post([this, done = std::move(done)]() mutable {
      HttpOutcome outcome = answered(status);
      outcome.body = body;
      done(std::move(outcome));
    });
  }
  void abort_all() override {}

  std::vector<SendRequest> sent;
  int status = 200;
  std::string body;

 private:
  Loop& loop_;
};

// Says of every name what it is told to say, later and on the loop, or nothing while it is silent.
class ToldResolver final : public net::Resolver {
 public:
  explicit ToldResolver(Loop& loop) : loop_(loop) {}
  void resolve(const std::string& name, const TenantId&, Done done) override {
    asked.push_back(name);
    waiting.push_back(std::move(done));
    if (!is_silent) answer_all();
  }
  void answer_all() {
    net::Resolution resolution{status, {}};
    if (status == net::Resolution::Status::found)
      resolution.addresses.push_back(*parse_ip("192.0.2.7"));
    for (Done& done : std::exchange(waiting, {})) {
      loop_.post([resolution, done = std::move(done)]() mutable { done(resolution); });
    }
  }

  std::vector<std::string> asked;
  std::vector<Done> waiting;
  net::Resolution::Status status = net::Resolution::Status::found;
  bool is_silent = false;

 private:
  Loop& loop_;
};

struct Call {
  std::string key;  // "" = none
  HeaderList headers;
};

struct ApiReply {
  int status = 0;
  HeaderList headers;
  std::string text;
  boost::json::value json;

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
  std::string string(std::string_view member) const {
    const auto& text_value = json.at({member.data(), member.size()});
    return text_value.is_string() ? std::string(text_value.get_string()) : "";
  }
};

class ApiFixture : public ::testing::Test {
 protected:
  ApiFixture() : ApiFixture(Profile{}) {}
  explicit ApiFixture(Profile served)
      : profile(std::make_shared<const Profile>(std::move(served))) {
    Engine::Parts parts{.store = *store,
                        .vault = vault,
                        .clock = clock,
                        .random = random,
                        .reactors = {{loop, sender}},
                        .on_attempt = nullptr,
                        .catalogue = profile->event_types};
    engine = std::make_unique<Engine>(std::move(parts));

    EXPECT_TRUE(engine->recover());
    journal = std::jthread([this](const std::stop_token& token) { engine->run_journal(token); });
    store_reader = *store->open_reader();
    reader = std::jthread(
        [this](const std::stop_token& token) { engine->run_reader(*store_reader, token); });
    serve([](ApiConfig&) {});
  }
  ~ApiFixture() override {
    journal.request_stop();
    journal.join();
    reader.request_stop();
    reader.join();
    loop.run_posted();
    api.reset();
    engine.reset();
  }

  // The API, anew, with settings changed by `change`.
  template <class Change>
  void serve(Change change) {
    ApiConfig config{.admin_key = Secret(admin),
                     .cursor_key = Secret(),
                     .policy = {},
                     .catalogue_is_open = profile->catalogue_is_open,
                     .auto_create_tenants = profile->auto_create_tenants,
                     .profile = profile,
                     .clock = clock,
                     .random = random,
                     .extra_routes = {}};
    change(config);
    shared_state = std::make_shared<ApiShared>(std::move(config));
    api = std::make_unique<ApiHandler>(*engine, loop, resolver, shared_state);
  }

  // An answer that may not have come yet.
  using Pending = std::shared_ptr<std::optional<net::HttpResponse>>;
  Pending begin(std::string method, std::string target, std::string body, const Call& how) {
    auto response = std::make_shared<std::optional<net::HttpResponse>>();
    net::HttpRequest request;
    request.method = std::move(method);
    request.path = target.substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
    if (!how.key.empty()) request.headers.emplace_back("Authorization", "Bearer " + how.key);
    if (!body.empty()) request.headers.emplace_back("Content-Length", std::to_string(body.size()));
    for (const auto& header : how.headers) request.headers.push_back(header);
    net::HeadVerdict verdict = api->on_head(request);
    if (verdict.refusal) {
      *response = std::move(*verdict.refusal);
    } else if (body.size() > verdict.body_bytes_max) {
      *response = api->on_refused(413, "too large");
    } else {
      request.body = std::move(body);
      api->on_request(std::move(request),
                      [response](net::HttpResponse r) { *response = std::move(r); });
    }
    return response;
  }
  // Turns the loop until `is_so`, while other threads work.
  template <class Condition>
  bool turn_until(Condition is_so) {
    for (int i = 0; i < 1'000'000 && !is_so(); ++i) {
      loop.run_posted();
      std::this_thread::yield();
    }
    return is_so();
  }
  ApiReply await(const Pending& response) {
    if (turn_until([&response] { return response->has_value(); }))
      return reply_of(std::move(**response));
    ADD_FAILURE() << "no answer came";
    return {};
  }
  ApiReply call(std::string method, std::string target, std::string body, const Call& how) {
    SCOPED_TRACE(method + " " + target);
    return await(begin(std::move(method), std::move(target), std::move(body), how));
  }
  ApiReply as_admin(std::string method, std::string target, std::string body = "",
                    HeaderList headers = {}) {
    return call(std::move(method), std::move(target), std::move(body), {admin, std::move(headers)});
  }

  // A tenant with a key of the role.
  struct Party {
    std::string tenant;
    std::string key;
  };
  Party make_party(const std::string& name, const std::string& role = "tenant") {
    Party party;
    party.tenant = as_admin("POST", "/api/v1/tenants", R"({"name":")" + name + "\"}").string("id");
    party.key = make_key(party.tenant, role);
    return party;
  }
  std::string make_key(const std::string& tenant, const std::string& role) {
    const std::string body = R"({"tenant_id":")" + tenant + R"(","role":")" + role + "\"}";
    return as_admin("POST", "/api/v1/api-keys", body).string("key");
  }
  void make_type(const std::string& name) {
    ASSERT_EQ(as_admin("POST", "/api/v1/event-types", R"({"name":")" + name + "\"}").status, 201);
  }
  std::string make_webhook(const Party& party, const std::string& more = "") {
    const std::string body = R"({"url":"https://example.com/a","events":["*"])" + more + "}";
    return call("POST", "/api/v1/webhooks", body, {party.key, {}}).string("id");
  }

  static ApiReply reply_of(net::HttpResponse response) {
    ApiReply reply{response.status, std::move(response.headers), std::move(response.body), nullptr};
    if (!reply.text.empty()) reply.json = boost::json::parse(reply.text);
    return reply;
  }

  const std::shared_ptr<const Profile> profile;
  const std::string admin = "an-admin-key-of-at-least-32-characters";
  SimClock clock{kStart};
  SimLoop loop{clock};
  SeededRandom random{11};
  std::unique_ptr<Store> store = make_memory_store();
  Vault vault{Secret(std::string(32, 'k')), random};
  InstantSender sender{loop};
  ToldResolver resolver{loop};
  std::unique_ptr<Engine> engine;
  std::shared_ptr<ApiShared> shared_state;
  std::unique_ptr<ApiHandler> api;
  std::jthread journal;
  std::unique_ptr<Reader> store_reader;
  std::jthread reader;
};

// One event type, and two tenants with a key each: what is acme's is nothing to rival.
class TwoParties : public ApiFixture {
 protected:
  TwoParties() {
    make_type("user.created");
    acme = make_party("Acme");
    rival = make_party("Rival");
  }
  ApiReply publish(const std::string& body, HeaderList headers = {}) {
    return call("POST", "/api/v1/events", body, {acme.key, std::move(headers)});
  }

  Party acme;
  Party rival;
};

}  // namespace fanfare::testing

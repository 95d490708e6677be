// No tenant sees or changes another's data, by any route and with any key. The table of routes is
// the source: a route without a row here fails, so whoever adds one says whose objects it shows.
#include <map>

#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

// In every field of the victim that takes a text, and in no answer to anybody else.
const std::string kCanary = "canary-5f0c";

struct Victim {
  std::string tenant, webhook, event, delivery, api_key, audit_entry;
  std::string type = "user.created";  // of the catalogue, which is everybody's
};

enum class About {
  object,     // one object of one tenant, named by the path
  tenant,     // what a tenant has, or gets
  everybody,  // no tenant's data: an admin's routes and the catalogue
};

struct Row {
  std::string_view method, pattern;
  About about;
  std::string Victim::* id = nullptr;  // what stands in the path
  std::string_view body = {};
};

constexpr std::string_view kEvent = R"({"event_type":"user.created","data":{}})";
constexpr std::string_view kBatch = R"({"events":[{"event_type":"user.created","data":{}}]})";
constexpr std::string_view kWebhook = R"({"url":"https://example.com/","events":["*"]})";

const Row kRows[] = {
    {"POST", "/api/v1/events", About::tenant, nullptr, kEvent},
    {"POST", "/api/v1/events/batch", About::tenant, nullptr, kBatch},
    {"GET", "/api/v1/events", About::tenant},
    {"GET", "/api/v1/events/{id}", About::object, &Victim::event},
    {"GET", "/api/v1/events/{id}/deliveries", About::object, &Victim::event},
    {"GET", "/api/v1/events/{id}/trace", About::object, &Victim::event},
    {"GET", "/api/v1/broadcasts/{id}", About::everybody, &Victim::event},
    {"GET", "/api/v1/deliveries", About::tenant},
    {"POST", "/api/v1/deliveries/retry-due", About::everybody},
    {"GET", "/api/v1/deliveries/{id}", About::object, &Victim::delivery},
    {"POST", "/api/v1/deliveries/{id}/retry", About::object, &Victim::delivery},
    {"POST", "/api/v1/deliveries/{id}/cancel", About::object, &Victim::delivery},
    {"POST", "/api/v1/webhooks", About::tenant, nullptr, kWebhook},
    {"GET", "/api/v1/webhooks", About::tenant},
    {"GET", "/api/v1/webhooks/events", About::everybody},
    {"GET", "/api/v1/webhooks/events/available", About::everybody},
    {"POST", "/api/v1/webhooks/test", About::tenant, nullptr,
     R"({"webhook_id":"wh_00000000000000000000000000"})"},
    {"GET", "/api/v1/webhooks/{id}", About::object, &Victim::webhook},
    {"PATCH", "/api/v1/webhooks/{id}", About::object, &Victim::webhook, R"({"name":"taken"})"},
    {"PUT", "/api/v1/webhooks/{id}", About::object, &Victim::webhook, R"({"name":"taken"})"},
    {"DELETE", "/api/v1/webhooks/{id}", About::object, &Victim::webhook},
    {"POST", "/api/v1/webhooks/{id}/pause", About::object, &Victim::webhook},
    {"POST", "/api/v1/webhooks/{id}/resume", About::object, &Victim::webhook},
    {"POST", "/api/v1/webhooks/{id}/disable", About::object, &Victim::webhook},
    {"POST", "/api/v1/webhooks/{id}/enable", About::object, &Victim::webhook},
    {"POST", "/api/v1/webhooks/{id}/rotate-secret", About::object, &Victim::webhook},
    {"POST", "/api/v1/webhooks/{id}/test", About::object, &Victim::webhook},
    {"GET", "/api/v1/webhooks/{id}/deliveries", About::object, &Victim::webhook},
    {"POST", "/api/v1/event-types", About::everybody, nullptr, R"({"name":"a.b"})"},
    {"GET", "/api/v1/event-types", About::everybody},
    {"GET", "/api/v1/event-types/{name}", About::everybody, &Victim::type},
    {"PATCH", "/api/v1/event-types/{name}", About::everybody, &Victim::type},
    {"DELETE", "/api/v1/event-types/{name}", About::everybody, &Victim::type},
    {"POST", "/api/v1/tenants", About::everybody, nullptr, R"({"name":"n"})"},
    {"GET", "/api/v1/tenants", About::everybody},
    {"GET", "/api/v1/tenants/{id}", About::object, &Victim::tenant},
    {"PATCH", "/api/v1/tenants/{id}", About::object, &Victim::tenant, R"({"name":"taken"})"},
    {"PUT", "/api/v1/tenants/{id}", About::object, &Victim::tenant, R"({"name":"taken"})"},
    {"DELETE", "/api/v1/tenants/{id}", About::object, &Victim::tenant},
    {"POST", "/api/v1/api-keys", About::tenant, nullptr, R"({"role":"read"})"},
    {"GET", "/api/v1/api-keys", About::tenant},
    {"DELETE", "/api/v1/api-keys/{id}", About::object, &Victim::api_key},
    {"GET", "/api/v1/maintenance/keys", About::everybody},
    {"POST", "/api/v1/maintenance/keys/rotate-master", About::everybody},
    {"POST", "/api/v1/maintenance/keys/rotate-tenant", About::everybody, nullptr,
     R"({"all":true})"},
    {"POST", "/api/v1/maintenance/cleanup", About::everybody},
    {"GET", "/api/v1/profile", About::everybody},
    {"GET", "/api/v1/webhooks/{id}/stats", About::object, &Victim::webhook},
    {"GET", "/api/v1/webhooks/{id}/logs", About::object, &Victim::webhook},
    {"GET", "/api/v1/stats", About::tenant},
    {"GET", "/api/v1/health", About::tenant},
    {"GET", "/api/v1/audit-logs", About::tenant},
    {"GET", "/api/v1/audit-logs/{id}", About::object, &Victim::audit_entry},
    {"GET", "/livez", About::everybody},
    {"GET", "/readyz", About::everybody},
};

std::string key_of(std::string_view method, std::string_view pattern) {
  return std::string(method) + ' ' + std::string(pattern);
}

bool allows(const Route& route, Role role) {
  return route.roles == kAnybody || (route.roles & role_bit(role)) != 0;
}

class Isolation : public ApiFixture {
 protected:
  Isolation() {
    sender.body = kCanary;
    make_type("user.created");
    make_victim();
    for (const Role role : {Role::tenant, Role::read, Role::publish}) {
      own[role] = make_key(victim.tenant, std::string(name_of(role)));
      foreign[role] = make_key(rival, std::string(name_of(role)));
    }
    make_dead_keys();
  }

  void make_victim() {
    rival = as_admin("POST", "/api/v1/tenants", R"({"name":"Rival"})").string("id");
    const std::string c = kCanary;
    victim.tenant = as_admin("POST", "/api/v1/tenants",
                             R"({"name":")" + c + R"(","external_id":"ext-)" + c +
                                 R"(","metadata":{"k":")" + c + "\"}}")
                        .string("id");
    const std::string at = "?tenant_id=" + victim.tenant;
    victim.webhook =
        as_admin("POST", "/api/v1/webhooks" + at,
                 R"({"url":"https://example.com/)" + c + R"(","events":["*"],"name":")" + c +
                     R"(","description":")" + c + R"(","headers":{"X-A":")" + c +
                     R"("},"signature":"hex","secret":"a-secret-of-the-)" + c +
                     R"(-0123456789","metadata":{"k":")" + c + "\"}}")
            .string("id");
    victim.event = as_admin("POST", "/api/v1/events" + at,
                            R"({"event_type":"user.created","event_id":")" + c +
                                R"(","data":{"k":")" + c + R"("},"metadata":{"k":")" + c + "\"}}")
                       .string("id");
    const std::string list = "/api/v1/events/" + victim.event + "/deliveries";
    turn_until([&] {
      const auto row = as_admin("GET", list).json.at("data").at(0);
      victim.delivery = std::string(row.at("id").as_string());
      return row.at("status").as_string() == "success";
    });
    victim.api_key =
        as_admin("POST", "/api/v1/api-keys" + at, R"({"name":")" + c + "\"}").string("id");
    const auto audit = as_admin("GET", "/api/v1/audit-logs" + at);
    victim.audit_entry = std::string(audit.json.at("data").at(0).at("id").as_string());
  }
  void make_dead_keys() {
    const std::string body = R"({"tenant_id":")" + victim.tenant + "\"";
    const auto revoked = as_admin("POST", "/api/v1/api-keys", body + "}");
    as_admin("DELETE", "/api/v1/api-keys/" + revoked.string("id"));
    const std::string soon = format_rfc3339(clock.wall_now() + Millis{1000});
    const auto expired =
        as_admin("POST", "/api/v1/api-keys", body + R"(,"expires_at":")" + soon + "\"}");
    clock.advance(Millis{2000});
    dead = {{"none", ""},
            {"garbage", "garbage"},
            {"well-formed", "ff_live_00000000000000000000000000000000000000000000"},
            {"revoked", revoked.string("key")},
            {"expired", expired.string("key")}};
  }

  // All that an admin can read of the victim.
  std::string state() {
    std::string text;
    const std::string at = "?tenant_id=" + victim.tenant;
    for (const std::string& path :
         {"/tenants/" + victim.tenant, "/webhooks/" + victim.webhook, "/webhooks" + at,
          "/events/" + victim.event, "/events" + at, "/deliveries" + at,
          "/deliveries/" + victim.delivery, "/api-keys" + at}) {
      const auto reply = as_admin("GET", "/api/v1" + path);
      EXPECT_EQ(reply.status, 200) << path;
      text += reply.text + '\n';
    }
    return text;
  }
  static std::string path_of(const Row& row, const std::string& id) {
    std::string path(row.pattern);
    const std::size_t open = path.find('{');
    if (open != std::string::npos) path.replace(open, path.find('}') - open + 1, id);
    return path;
  }
  // Every way to ask this route for something of the victim's.
  std::vector<std::string> targets(const Row& row) {
    const std::string path = path_of(row, row.id != nullptr ? victim.*row.id : "");
    std::vector<std::string> all;
    if (row.about != About::tenant) all.push_back(path);
    if (row.about == About::everybody) return all;
    for (const std::string& name : {victim.tenant, "ext-" + kCanary})
      all.push_back(path + "?tenant_id=" + name);
    return all;
  }
  ApiReply ask(const Row& row, const std::string& target, const std::string& key) {
    return call(std::string(row.method), target, std::string(row.body), {key, {}});
  }
  template <class Check>
  void for_each_route(Check check) {
    std::map<std::string, const Row*> rows;
    for (const Row& row : kRows) rows[key_of(row.method, row.pattern)] = &row;
    for (const Route& route : api_routes()) {
      const std::string key = key_of(route.method, route.pattern);
      SCOPED_TRACE(key);
      if (!rows.contains(key)) {
        ADD_FAILURE() << "a new route: say in kRows whose objects it is about";
        continue;
      }
      check(route, *rows[key]);
    }
  }

  Victim victim;
  std::string rival;
  std::map<Role, std::string> own, foreign;  // keys of the victim and of the rival
  std::vector<std::pair<std::string, std::string>> dead;
};

TEST_F(Isolation, EveryRowIsARoute) {
  std::map<std::string, bool> routes;
  for (const Route& route : api_routes()) routes[key_of(route.method, route.pattern)] = true;
  for (const Row& row : kRows)
    EXPECT_TRUE(routes.contains(key_of(row.method, row.pattern))) << row.method << row.pattern;
}

TEST_F(Isolation, TheCanaryIsWhereItsOwnerLooks) {
  for (const std::string& path :
       {"/tenants/" + victim.tenant, "/webhooks/" + victim.webhook, "/events/" + victim.event,
        "/deliveries/" + victim.delivery, std::string("/api-keys")}) {
    const auto reply = call("GET", "/api/v1" + path, "", {own[Role::tenant], {}});
    EXPECT_NE(reply.text.find(kCanary), std::string::npos) << path << reply.text;
  }
}

TEST_F(Isolation, AKeyThatIsNoneOpensNothing) {
  const std::string before = state();
  for_each_route([&](const Route& route, const Row& row) {
    if (route.roles == kAnybody) return;
    for (const auto& [name, key] : dead) {
      for (const std::string& target : targets(row)) {
        const auto reply = ask(row, target, key);
        EXPECT_EQ(reply.status, 401) << name;
        EXPECT_EQ(reply.text.find(kCanary), std::string::npos) << name;
      }
    }
  });
  EXPECT_EQ(state(), before);
}

TEST_F(Isolation, AnotherTenantsKeySeesAndChangesNothing) {
  std::string before = state();
  for_each_route([&](const Route& route, const Row& row) {
    for (const auto& [role, key] : foreign) {
      for (const std::string& target : targets(row)) {
        const auto reply = ask(row, target, key);
        const int expected = allows(route, role) ? 404 : 403;
        if (row.about != About::everybody || expected == 403) {
          EXPECT_EQ(reply.status, expected) << name_of(role) << " " << target << reply.text;
        }
        EXPECT_EQ(reply.text.find(kCanary), std::string::npos) << target << reply.text;
      }
    }
    const std::string after = state();
    EXPECT_EQ(after, before);
    before = after;
  });
}

TEST_F(Isolation, ItsOwnListsHoldNothingOfAnotherTenant) {
  for_each_route([&](const Route& route, const Row& row) {
    if (route.method != "GET" || row.id != nullptr) return;
    for (const auto& [role, key] : foreign) {
      const auto reply = ask(row, std::string(row.pattern), key);
      EXPECT_EQ(reply.text.find(kCanary), std::string::npos) << name_of(role) << reply.text;
    }
  });
}

TEST_F(Isolation, ALowerRoleOfItsOwnTenantIsForbidden) {
  const std::string before = state();
  for_each_route([&](const Route& route, const Row& row) {
    for (const auto& [role, key] : own) {
      if (allows(route, role)) continue;
      for (const std::string& target : targets(row)) {
        EXPECT_EQ(ask(row, target, key).status, 403) << name_of(role) << " " << target;
      }
    }
  });
  EXPECT_EQ(state(), before);
}

TEST_F(Isolation, AForeignObjectAndAMissingOneAreOneAnswer) {
  const auto without = [](std::string text, const std::string& id) {
    for (auto at = text.find(id); at != std::string::npos; at = text.find(id))
      text.replace(at, id.size(), "ID");
    const auto request = text.find("req_");
    if (request != std::string::npos) text.replace(request, 20, "REQUEST");
    return text;
  };
  for_each_route([&](const Route&, const Row& row) {
    if (row.about != About::object) return;
    const std::string id = victim.*row.id;
    std::string missing = id;
    missing.back() = missing.back() == '0' ? '1' : '0';
    const auto foreign_reply = ask(row, path_of(row, id), foreign[Role::tenant]);
    const auto missing_reply = ask(row, path_of(row, missing), foreign[Role::tenant]);
    EXPECT_EQ(foreign_reply.status, missing_reply.status);
    EXPECT_EQ(without(foreign_reply.text, id), without(missing_reply.text, missing));
    EXPECT_EQ(foreign_reply.headers.size(), missing_reply.headers.size());
  });
}

TEST_F(Isolation, WhatABodyNamesOfAnotherTenantIsUnknown) {
  const std::string key = foreign[Role::tenant];
  const std::string missing = "wh_00000000000000000000000000";
  const auto publish_to = [&](const std::string& webhook) {
    return call("POST", "/api/v1/events",
                R"({"event_type":"user.created","data":{},"webhook_ids":[")" + webhook + "\"]}",
                {key, {}});
  };
  EXPECT_EQ(publish_to(victim.webhook).status, 422);
  EXPECT_EQ(publish_to(victim.webhook).json.at("errors"), publish_to(missing).json.at("errors"));
  const std::string test = R"({"webhook_id":")" + victim.webhook + "\"}";
  EXPECT_EQ(call("POST", "/api/v1/webhooks/test", test, {key, {}}).status, 404);
  const std::string body = R"({"event_type":"user.created","data":{},"tenant_id":")";
  EXPECT_EQ(call("POST", "/api/v1/events", body + victim.tenant + "\"}", {key, {}}).status, 404);
  const auto list = call("GET", "/api/v1/deliveries?webhook_id=" + victim.webhook, "", {key, {}});
  EXPECT_TRUE(list.json.at("data").as_array().empty());
}

TEST_F(Isolation, AKeptAnswerIsRepeatedToItsOwnerOnly) {
  const std::string body =
      R"({"event_type":"user.created","event_id":"mine-)" + kCanary + R"(","data":{}})";
  const auto publish = [&](const std::string& key) {
    return call("POST", "/api/v1/events", body, {key, {{"Idempotency-Key", "one"}}});
  };
  const auto mine = publish(own[Role::tenant]);
  const auto theirs = publish(foreign[Role::tenant]);

  EXPECT_EQ(mine.status, 202);
  EXPECT_EQ(theirs.status, 202);
  EXPECT_NE(theirs.string("id"), mine.string("id"));
  EXPECT_TRUE(theirs.header("Idempotency-Replayed").empty());
}

TEST_F(Isolation, ACursorOfAnotherTenantsListIsRefused) {
  as_admin("POST", "/api/v1/events?tenant_id=" + victim.tenant, std::string(kEvent));
  const auto page = call("GET", "/api/v1/events?limit=1", "", {own[Role::tenant], {}});
  const std::string cursor = page.string("next_cursor");
  ASSERT_FALSE(cursor.empty());

  EXPECT_EQ(call("GET", "/api/v1/events?limit=1&cursor=" + cursor, "", {foreign[Role::tenant], {}})
                .status,
            400);
}

}  // namespace
}  // namespace fanfare

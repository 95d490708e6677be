#include "cli/import_rows.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

namespace json = boost::json;

// The one body that a file of one row becomes.
json::object body_of(std::string_view system, std::string_view text) {
  const auto file = read_import(system, text);
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  if (!file || file->rows.size() != 1) {
    ADD_FAILURE() << "not one row: "
                  << (file && !file->refused.empty() ? file->refused[0].reason : "");
    return {};
  }
  return json::parse(file->rows[0].body).as_object();
}
std::string refusal(std::string_view system, std::string_view text) {
  const auto file = read_import(system, text);
  if (!file) return file.error().message;
  return file->refused.empty() ? "" : file->refused[0].reason;
}

struct Export {
  const char* system;
  const char* text;
  const char* body;
};
const Export kExports[] = {
    {"airwave",
     R"([{"id":"7","url":"https://a.example/h","events":["execution.completed"],
          "client_id":"acme","retry_config":{"schedule":["1m"],"attempts":2},
          "failure_threshold":5,"consecutive_failures":3}])",
     R"({"url":"https://a.example/h","events":["execution.completed"],
         "retry_policy":{"schedule":["1m"],"attempts":2},
         "failure_threshold":5,"tenant_id":"acme","legacy_id":"7"})"},
    {"airwave",
     R"([{"id":8,"url":"u","events":"[\"*\"]","client_id":"c",
          "retry_config":"{\"max_retries\":3,\"retry_delay\":500}"}])",
     R"({"url":"u","events":["*"],"tenant_id":"c","legacy_id":"8",
         "retry_policy":{"backoff":"exponential","initial":"500ms","factor":2,"attempts":4}})"},
    {"email-sla",
     "id,user_id,url,events,active,secret,headers,retry_count,last_error\n"
     "w-1,u-1,https://m.example,\"{email.received,sla.breached}\",t,shh,"
     "\"{\"\"X-A\"\":\"\"b, c\"\"}\",3,\\N\n",
     R"({"url":"https://m.example","events":["email.received","sla.breached"],
         "active":true,"secret":"shh","headers":{"X-A":"b, c"},"retry_count":3,
         "tenant_id":"u-1","legacy_id":"w-1"})"},
    {"whatsapp-crm",
     R"({"webhooks":[{"id":"1","tenant_id":"t","name":"n","url":"u","events":["*"],
                      "status":"inactive","timeout_seconds":10,"total_deliveries":99}]})",
     R"({"name":"n","url":"u","events":["*"],"active":false,"timeout_seconds":10,
         "tenant_id":"t","legacy_id":"1"})"},
    {"nuke",
     "id,user_id,url,description,events,secret,active\r\n"
     "5f-1,u,https://n.example,,\"vehicle.created, vehicle.deleted\",whsec_00ff,false\r\n",
     R"({"url":"https://n.example","events":["vehicle.created","vehicle.deleted"],
         "secret":"whsec_00ff","active":false,"tenant_id":"u","legacy_id":"5f-1"})"},
    {"ops-center",
     R"([{"id":"9","organization_id":"o","url":"u","events":["*"],"secret":"s",
          "active":true,"description":"d"}])",
     R"({"url":"u","events":["*"],"secret":"s","active":true,"description":"d",
         "tenant_id":"o","legacy_id":"9"})"},
};

TEST(ImportRows, EachSystemsTableBecomesBodies) {
  for (const Export& one : kExports) {
    EXPECT_EQ(body_of(one.system, one.text), json::parse(one.body).as_object()) << one.text;
  }
}

TEST(ImportRows, ARowThatCannotBeIsRefusedAndTheOthersAreNot) {
  const auto file = read_import("nuke", R"([
      {"url":"u","user_id":"x"},
      {"id":"2","user_id":"x","url":"u"},
      {"id":"3","url":"u"},
      17,
      {"id":"5","user_id":"x","active":"perhaps"}])");

  ASSERT_TRUE(file);
  ASSERT_EQ(file->rows.size(), 1U);
  EXPECT_EQ(file->rows[0].number, 2U);
  ASSERT_EQ(file->refused.size(), 4U);
  EXPECT_EQ(file->refused[0].reason, "it has no id");
  EXPECT_NE(file->refused[1].reason.find("user_id"), std::string::npos);
  EXPECT_EQ(file->refused[2].number, 4U);
  EXPECT_EQ(file->refused[3].reason, "active is neither true nor false");
}

TEST(ImportRows, ARowOfAnotherWidthIsRefused) {
  EXPECT_EQ(refusal("nuke", "id,user_id,url\n1,u\n"), "it has 2 cells for 3 columns");
}

// Whether a row of whatsapp-crm that has these members is to be on.
bool is_on(const std::string& members) {
  const auto row = R"({"id":"1","tenant_id":"t","url":"u",)" + members + "}";
  return body_of("whatsapp-crm", "[" + row + "]").at("active").as_bool();
}

TEST(ImportRows, OfTwoColumnsThatDisagreeTheMoreCarefulCounts) {
  EXPECT_TRUE(is_on(R"("status":"active","is_active":true)"));
  EXPECT_TRUE(is_on(R"("status":"Active")"));
  EXPECT_TRUE(is_on(R"("status":null,"is_active":"t")"));
  for (const std::string status : {"inactive", "paused", "disabled"}) {
    EXPECT_FALSE(is_on(R"("is_active":true,"status":")" + status + "\"")) << status;
    EXPECT_FALSE(is_on(R"("status":")" + status + "\",\"is_active\":true")) << status;
  }
  EXPECT_FALSE(is_on(R"("status":"active","is_active":false)"));
  EXPECT_FALSE(is_on(R"("active":false,"is_active":true)"));
  EXPECT_EQ(body_of("nuke", "id,user_id,url,active,is_active\n1,u,v,t,f\n").at("active"), false);
}

TEST(ImportRows, ASecondRowWithTheSameIdIsRefused) {
  const auto file = read_import("nuke", "id,user_id,url\n7,ann,a\n8,ann,b\n7,ann,c\n7,bob,d\n");

  ASSERT_TRUE(file);
  EXPECT_EQ(file->rows.size(), 3U) << "ids are each tenant's own";
  ASSERT_EQ(file->refused.size(), 1U);
  EXPECT_EQ(file->refused[0].number, 3U);
  EXPECT_EQ(file->refused[0].reason,
            "rows 1 and 3 have the same id, \"7\"; only the first is taken");
}

TEST(ImportRows, ARefusedRowDoesNotTakeTheIdFromTheNext) {
  const auto file = read_import("nuke", "id,user_id,url,active\n7,ann,a,perhaps\n7,ann,b,t\n");

  ASSERT_TRUE(file);
  ASSERT_EQ(file->rows.size(), 1U);
  EXPECT_EQ(file->rows[0].number, 2U);
}

TEST(ImportRows, SemicolonsAndTabsSeparateWhereTheFirstLineHasNoComma) {
  const auto expected = json::parse(
      R"({"url":"u","events":["a.b","c.d"],"description":"x, y","tenant_id":"t","legacy_id":"1"})");
  EXPECT_EQ(body_of("nuke", "id;user_id;url;events;description\n1;t;u;a.b,c.d;x, y\n"), expected);
  EXPECT_EQ(body_of("nuke", "id;user_id;url;events;description\n1;t;u;\"a.b;c.d\";\"x, y\"\n"),
            expected);
  EXPECT_EQ(body_of("nuke", "id\tuser_id\turl\tevents\tdescription\r\n1\tt\tu\ta.b,c.d\tx, y\r\n"),
            expected);
  EXPECT_EQ(body_of("nuke", "\n\nid;user_id;url\n1;t;u\n").at("url"), "u");
  EXPECT_EQ(body_of("nuke", "id,user_id,url,description\n1,t,u,a;b\n").at("description"), "a;b");
}

TEST(ImportRows, AnotherSeparatorIsRefusedWithThoseThereAre) {
  EXPECT_NE(refusal("nuke", "id|user_id|url\n1|t|u\n").find("commas, semicolons or tabs"),
            std::string::npos);
}

TEST(ImportRows, UnknownColumnsAreNamedOnce) {
  const auto file = read_import("nuke", "id,user_id,url,colour\n1,u,v,red\n2,u,v,blue\n");

  ASSERT_TRUE(file);
  EXPECT_EQ(file->unknown_columns, std::vector<std::string>{"colour"});
  EXPECT_EQ(file->rows[0].body.find("red"), std::string::npos);
}

TEST(ImportRows, WhatIsNeitherJsonNorCsvIsRefused) {
  EXPECT_NE(refusal("nuke", ""), "");
  EXPECT_NE(refusal("nuke", "hello"), "");
  EXPECT_NE(refusal("nuke", "[1,"), "");
  EXPECT_NE(refusal("nuke", R"({"a":[],"b":[]})"), "");
  EXPECT_NE(refusal("nuke", "id,url\n\"1,u\n"), "");
  EXPECT_NE(refusal("other", "[]"), "");
}

TEST(ImportRows, AByteOrderMarkIsNoPartOfTheFirstColumn) {
  EXPECT_EQ(body_of("nuke", "\xEF\xBB\xBFid,user_id,url\n1,u,v\n").at("legacy_id").as_string(),
            "1");
}

}  // namespace
}  // namespace fanfare

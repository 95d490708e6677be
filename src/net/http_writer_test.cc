#include "net/http_writer.h"

#include <string>

#include <gtest/gtest.h>

namespace fanfare::net {
namespace {

using std::string;

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

string written(const HttpResponse& response, bool is_http10 = false, bool is_kept_alive = true) {
  string out;
  const bool is_written = append_answer_head(
      out, response, {.date = kDate, .is_http10 = is_http10, .is_kept_alive = is_kept_alive});
  EXPECT_EQ(is_written, !out.empty());
  return out;
}

TEST(AnswerHead, HoldsTheHandlersFieldsAndTheServersOwn) {
  EXPECT_EQ(written({202, {{"Content-Type", "text/plain"}, {"X-Empty", ""}}, "hello"}),
            "HTTP/1.1 202 Accepted\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Content-Type: text/plain\r\nX-Empty: \r\nContent-Length: 5\r\n\r\n");
}

TEST(AnswerHead, AnUnknownStatusHasNoReason) {
  EXPECT_TRUE(written({299, {}, ""}).starts_with("HTTP/1.1 299 \r\n"));
}

TEST(AnswerHead, SaysWhenTheConnectionCloses) {
  EXPECT_NE(written({200, {}, ""}, false, false).find("\r\nConnection: close\r\n"), string::npos);
}

TEST(AnswerHead, TellsHttp10ThatTheConnectionStays) {
  EXPECT_NE(written({200, {}, ""}, true, true).find("\r\nConnection: keep-alive\r\n"),
            string::npos);
}

TEST(AnswerHead, HasNoLengthWhereThereIsNoBody) {
  EXPECT_EQ(written({204, {}, ""}).find("Content-Length"), string::npos);
  EXPECT_EQ(written({304, {}, ""}).find("Content-Length"), string::npos);
}

TEST(AnswerHead, DropsTheHandlersIdeaOfTheServersOwnFields) {
  const string out = written({200,
                              {{"content-length", "9"},
                               {"DATE", "x"},
                               {"Connection", "upgrade"},
                               {"Transfer-Encoding", "chunked"}},
                              "ab"});

  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\n");
}

TEST(AnswerHead, RefusesFieldsThatWouldSplitTheAnswer) {
  EXPECT_EQ(written({200, {{"A", "b\r\nC: d"}}, ""}), "");
  EXPECT_EQ(written({200, {{"A", "b\nC: d"}}, ""}), "");
  EXPECT_EQ(written({200, {{"A", "b\rC: d"}}, ""}), "");
  EXPECT_EQ(written({200, {{"A", string("b\0c", 3)}}, ""}), "");
  EXPECT_EQ(written({200, {{"A\r\nB", "c"}}, ""}), "");
  EXPECT_EQ(written({200, {{"A:", "c"}}, ""}), "");
  EXPECT_EQ(written({200, {{"", "c"}}, ""}), "");
}

TEST(AnswerHead, RefusesAStatusThatEndsNoRequest) {
  EXPECT_EQ(written({100, {}, ""}), "");
  EXPECT_EQ(written({101, {}, ""}), "");
  EXPECT_EQ(written({0, {}, ""}), "");
  EXPECT_EQ(written({600, {}, ""}), "");
}

TEST(DateCache, FormatsAsHttpWants) {
  DateCache dates;

  EXPECT_EQ(dates.at(timestamp_of_ms(784111777000)), kDate);
  EXPECT_EQ(dates.at(timestamp_of_ms(784111777999)), kDate);
  EXPECT_EQ(dates.at(timestamp_of_ms(784111778000)), "Sun, 06 Nov 1994 08:49:38 GMT");
  EXPECT_EQ(dates.at(timestamp_of_ms(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(dates.at(timestamp_of_ms(1709164800000)), "Thu, 29 Feb 2024 00:00:00 GMT");
}

}  // namespace
}  // namespace fanfare::net

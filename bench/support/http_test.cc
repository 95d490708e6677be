#include "bench/support/http.h"

#include <string>

#include <gtest/gtest.h>

namespace fanfare::bench {
namespace {

TEST(Frame, EndsAMessageWhereItsContentLengthSays) {
  const std::string bytes = "POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabcPOST";

  const auto message = frame(bytes);

  ASSERT_TRUE(message);
  EXPECT_EQ(message->body, "abc");
  EXPECT_EQ(message->size(), bytes.size() - 4);
}

TEST(Frame, WaitsForEveryByteOfAMessage) {
  const std::string bytes = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(frame(std::string_view(bytes).substr(0, size))) << size;
  }
}

TEST(Frame, TakesAMessageWithoutContentLengthAsOneWithoutBody) {
  const auto message = frame("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1");

  ASSERT_TRUE(message);
  EXPECT_EQ(message->body, "");
  EXPECT_EQ(status_of(*message), 204);
}

TEST(FrameDeathTest, EndsTheProgramOnWhatItCannotFrame) {
  EXPECT_EXIT(frame("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
              testing::ExitedWithCode(1), "Transfer-Encoding");
  EXPECT_EXIT(frame("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), testing::ExitedWithCode(1),
              "no number");
  EXPECT_EXIT(status_of({.head = "SMTP ready\r\n\r\n", .body = ""}), testing::ExitedWithCode(1),
              "without a status");
}

}  // namespace
}  // namespace fanfare::bench

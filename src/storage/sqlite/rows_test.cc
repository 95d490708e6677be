#include "storage/sqlite/rows.h"

#include <gtest/gtest.h>

#include "storage/sqlite/id_walk.h"

namespace fanfare::sqlite {
namespace {

TEST(PackedHeaders, ReadBackAsTheyWere) {
  const HeaderList headers{{"Content-Type", "application/json"},
                           {"", ""},
                           {"X-Binary", std::string("\0\xff:\r\n", 5)},
                           {"X-Long", std::string(70'000, 'v')},
                           {std::string(127, 'n'), std::string(128, 'v')}};

  EXPECT_EQ(*unpack_headers(pack_headers(headers)), headers);
}

TEST(PackedHeaders, NoneIsEmpty) {
  EXPECT_EQ(pack_headers({}), "");
  EXPECT_TRUE(unpack_headers("")->empty());
}

TEST(PackedHeaders, EveryCutIsCorrupt) {
  const std::string packed = pack_headers({{"Server", "nginx"}});

  for (std::size_t length = 1; length < packed.size(); ++length) {
    EXPECT_FALSE(unpack_headers(packed.substr(0, length)).has_value()) << length;
  }
}

TEST(PackedHeaders, AnEndlessLengthIsCorrupt) {
  EXPECT_FALSE(unpack_headers(std::string(20, '\xff')).has_value());
}

TEST(Successor, CarriesThroughFullBytes) {
  Uuid id;
  id.bytes[15] = 0xff;
  id.bytes[14] = 0xff;

  Uuid expected;
  expected.bytes[13] = 1;
  EXPECT_EQ(successor(id), expected);
}

TEST(SqliteErrors, AreMappedByWhatTheCallerCanDo) {
  EXPECT_EQ(errc_of_sqlite(SQLITE_FULL), Errc::unavailable);
  EXPECT_EQ(errc_of_sqlite(SQLITE_IOERR_FSYNC), Errc::unavailable);
  EXPECT_EQ(errc_of_sqlite(SQLITE_READONLY_DBMOVED), Errc::unavailable);
  EXPECT_EQ(errc_of_sqlite(SQLITE_CANTOPEN), Errc::unavailable);
  EXPECT_EQ(errc_of_sqlite(SQLITE_BUSY_SNAPSHOT), Errc::unavailable);
  EXPECT_EQ(errc_of_sqlite(SQLITE_NOTADB), Errc::corrupt);
  EXPECT_EQ(errc_of_sqlite(SQLITE_CONSTRAINT_PRIMARYKEY), Errc::conflict);
  EXPECT_EQ(errc_of_sqlite(SQLITE_ERROR), Errc::internal);
}

}  // namespace
}  // namespace fanfare::sqlite

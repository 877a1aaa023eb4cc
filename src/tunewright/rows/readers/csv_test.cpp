#include "tunewright/rows/readers/csv.h"

#include "tunewright/base/json.h"
#include "tunewright/base/test.h"
#include "tunewright/rows/readers/source_fixture.h"

namespace tunewright::rows {
namespace {

using testing::ByteTrickle;

struct Read {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> problems;
};

Read read_csv_text(const std::string& text, char delimiter, size_t block, int64_t limit = 1 << 20) {
  ByteTrickle stream(text, block);
  CsvRecords records(stream, delimiter, limit);
  Read read;
  while (auto record = records.next()) {
    if (record->problem.empty()) {
      read.rows.push_back(std::move(record->fields));
    } else {
      read.problems.push_back(str(record->line, ": ", record->problem));
    }
  }
  return read;
}

TEST(Csv, ReadsAsPythonDoesWhereverTheBlocksEnd) {
  const auto golden = read_json(testing::source_path("tests/golden/sources.json"));
  ASSERT_GE(golden["csv"].size(), 300u);
  for (const auto& test : golden["csv"]) {
    const auto text = test["text"].get<std::string>();
    for (const size_t block : {size_t{1}, size_t{7}, size_t{4096}}) {
      const auto read = read_csv_text(text, test["delimiter"].get<std::string>()[0], block);
      EXPECT_EQ(Json(read.rows), test["rows"]) << dump_json(text) << " in blocks of " << block;
      EXPECT_TRUE(read.problems.empty()) << dump_json(text);
    }
  }
}

// The bytes of any table written with quotes come back.
TEST(Csv, WhatIsQuotedComesBack) {
  const std::vector<std::string> alphabet = {"\"", ",", "\n", "\r", "\r\n", "a", " ", "ü", ""};
  uint64_t state = 7;
  const auto draw = [&](size_t count) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33) % count;
  };
  for (int table = 0; table < 200; ++table) {
    std::vector<std::vector<std::string>> rows(1 + draw(4), std::vector<std::string>(1 + draw(3)));
    std::string text;
    for (auto& row : rows) {
      for (auto& field : row) {
        for (size_t i = draw(6); i-- > 0;) field += alphabet[draw(alphabet.size())];
        text += str(&field == row.data() ? "" : ",", '"', replace_all(field, "\"", "\"\""), '"');
      }
      text += draw(2) == 0 ? "\n" : "\r\n";
    }
    EXPECT_EQ(read_csv_text(text, ',', 1 + draw(9)).rows, rows) << dump_json(text);
  }
}

TEST(Csv, AQuoteNeverClosedTakesOneLineAway) {
  const auto read = read_csv_text("a,b\n\"open,1\nc,d\ne,f\n", ',', 3);
  EXPECT_EQ(read.rows, (std::vector<std::vector<std::string>>{{"a", "b"}, {"c", "d"}, {"e", "f"}}));
  EXPECT_EQ(read.problems,
            (std::vector<std::string>{"2: a quote that opens here is never closed"}));
}

TEST(Csv, ALongRowIsPassedOver) {
  const auto long_row = std::string(200000, 'x');
  const auto read = read_csv_text(str("a\n", long_row, "\nb\n"), ',', 1000, 1000);
  EXPECT_EQ(read.rows, (std::vector<std::vector<std::string>>{{"a"}, {"b"}}));
  ASSERT_EQ(read.problems.size(), 1u);
  EXPECT_THAT(read.problems[0], ::testing::HasSubstr("2: the row is longer than 1000 B"));
}

TEST(Csv, FindsTheDelimiter) {
  EXPECT_EQ(detect_delimiter("a,b\n1,2\n", true), ',');
  EXPECT_EQ(detect_delimiter("a;b\n1,5;2,5\n3,5;4,5\n", true), ';');
  EXPECT_EQ(detect_delimiter("a\tb\n\"x, y\"\tz\n", true), '\t');
  EXPECT_EQ(detect_delimiter("a|b|c\n1|2|3\n", true), '|');
  EXPECT_EQ(detect_delimiter("one\ntwo, three\nfour\n", true), ',');
  EXPECT_EQ(detect_delimiter("", true), ',');
}

}  // namespace
}  // namespace tunewright::rows

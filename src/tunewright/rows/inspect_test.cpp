#include "tunewright/rows/inspect.h"

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"

namespace tunewright::rows {
namespace {

using testing::TemporaryFolder;

TEST(Distribution, IsExactWhereItMattersAndCloseElsewhere) {
  Distribution lengths;
  for (int64_t i = 1; i <= 100000; ++i) lengths.add(i);
  EXPECT_EQ(lengths.min(), 1);
  EXPECT_EQ(lengths.max(), 100000);
  EXPECT_EQ(lengths.quantile(0.005), 501);
  EXPECT_NEAR(static_cast<double>(lengths.quantile(0.5)), 50001, 100);
  int64_t count = 0;
  const auto bars = lengths.bars(12);
  EXPECT_LE(bars.size(), 12u);
  for (size_t i = 0; i < bars.size(); ++i) {
    count += bars[i].count;
    if (i > 0) {
      EXPECT_EQ(bars[i].from, bars[i - 1].to + 1);
    }
  }
  EXPECT_EQ(count, 100000);
}

TEST(Distribution, FewValuesGetEqualBars) {
  Distribution lengths;
  for (const int64_t value : {3, 3, 4, 9}) lengths.add(value);
  const auto bars = lengths.bars(12);
  ASSERT_EQ(bars.size(), 7u);
  EXPECT_EQ(spark_line(bars), "█▄    ▄");
  EXPECT_TRUE(Distribution().bars(12).empty());
}

TEST(Inspect, CountsWhatIsThere) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "a.csv",
                    "text,label\nein Satz,ham\nein Satz,ham\nnoch einer da,spam\nragged\n");
  const auto found = inspect_source(
      {.source = {.path = (folder / "a.csv").string(), .to = Target::kAsIs},
       .samples = 1,
       .hooks = {.language = [](std::string_view) { return "de"; },
                 .entities = [](std::string_view) { return std::vector<std::string>{"NAME"}; }}});
  EXPECT_EQ(found.report.rows, 3);
  EXPECT_EQ(found.report.set_aside, 1);
  EXPECT_EQ(found.duplicates, 1);
  EXPECT_EQ(found.row_formats, (std::map<std::string, int64_t>{{"classification", 3}}));
  EXPECT_EQ(found.keys.at("label").values,
            (std::map<std::string, int64_t>{{"ham", 2}, {"spam", 1}}));
  EXPECT_EQ(found.keys.at("text").words.max(), 3);
  EXPECT_EQ(found.languages.at("de"), 3);
  EXPECT_EQ(found.entities.at("NAME"), 3);
  EXPECT_EQ(found.samples.size(), 1u);
  EXPECT_EQ(found.set_aside_reasons.begin()->first, "line N: has N fields, the table has N");
}

}  // namespace
}  // namespace tunewright::rows

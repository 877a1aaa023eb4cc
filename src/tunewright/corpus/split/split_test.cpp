#include "tunewright/corpus/split/split.h"

#include <map>
#include <set>

#include "tunewright/base/random.h"
#include "tunewright/corpus/dedup/dedup_test.h"
#include "tunewright/corpus/split/time_value.h"

namespace tunewright::corpus {
namespace {

using ::testing::ElementsAre;
using testing::Ran;
using testing::run_lines;

std::vector<std::string> splits_of(const Ran& ran) {
  std::vector<std::string> splits;
  for (const auto& row : ran.rows) splits.push_back(row["split"]);
  return splits;
}

std::map<std::string, int64_t> counts_of(const Ran& ran) {
  std::map<std::string, int64_t> counts;
  for (const auto& split : splits_of(ran)) ++counts[split];
  return counts;
}

// Rows of random words; a third of them copies of others with a word changed.
std::string rows_with_copies(int count) {
  Random random(11);
  std::vector<std::vector<std::string>> texts;
  std::string lines;
  for (int i = 0; i < count; ++i) {
    std::vector<std::string> words;
    if (i > 0 && random.below(3) == 0) {
      words = texts[random.below(texts.size())];
      words.front() = str("x", i);
    } else {
      for (int k = 0; k < 40; ++k) words.push_back(str("w", random.below(5000)));
    }
    texts.push_back(words);
    lines += dump_json(Json{{"text", join(words, " ")},
                            {"label", random.below(4) == 0 ? "spam" : "ham"},
                            {"thread", random.below(200)}}) +
             "\n";
  }
  return lines;
}

TEST(Split, SharesAndBytesOfTheRows) {
  const auto ran = run_lines("split", {{"near_duplicates", "ignore"}},
                             testing::lines_of(std::vector<std::string>(33, "a")));
  EXPECT_EQ(counts_of(ran),
            (std::map<std::string, int64_t>{{"train", 25}, {"validation", 4}, {"test", 4}}));
  const auto again = run_lines("split", {}, "{\"split\": \"old\", \"text\":\"a\" }\n");
  EXPECT_EQ(again.out, "{\"split\": \"test\", \"text\":\"a\" }\n");
}

TEST(Split, SeedAndWorkersDecide) {
  const auto lines = rows_with_copies(3000);
  const auto first = run_lines("split", {}, lines, 1);
  EXPECT_EQ(run_lines("split", {}, lines, 3).out, first.out);
  EXPECT_NE(run_lines("split", {{"seed", 1}}, lines, 1).out, first.out);
}

TEST(Split, NearDuplicatesAreInOneSplit) {
  const auto lines = rows_with_copies(3000);
  const auto together = run_lines("split", {{"stratify", "label"}}, lines);
  EXPECT_EQ(together.summary["leakage"],
            parse_json(R"({"train-validation":0,"train-test":0,"validation-test":0})", "expected"));
  EXPECT_EQ(together.summary["rows"],
            parse_json(R"({"train":2400,"validation":300,"test":300})", "expected"));
  const auto report = run_lines("split", {{"near_duplicates", "report"}}, lines);
  EXPECT_GT(report.summary["leakage"]["train-test"], 50);
  // Whether it is true: no row of the test has five-sixths of its words from one of the training.
  std::map<std::string, std::set<std::string>> tails;
  const auto splits = splits_of(together);
  for (size_t i = 0; i < splits.size(); ++i) {
    const std::string text = together.rows[i]["text"];
    tails[text.substr(text.find(' '))].insert(splits[i]);
  }
  for (const auto& [tail, of] : tails) EXPECT_EQ(of.size(), 1U) << tail;
}

TEST(Split, StrataKeepTheirShares) {
  const auto ran = run_lines("split", {{"stratify", "label"}}, rows_with_copies(3000));
  for (const auto& [label, of] : ran.summary["strata"].items()) {
    const double all =
        of["train"].get<double>() + of["validation"].get<double>() + of["test"].get<double>();
    EXPECT_NEAR(of["test"].get<double>(), all / 10, 2) << label;
    EXPECT_NEAR(of["validation"].get<double>(), all / 10, 2) << label;
  }
}

TEST(Split, AGroupIsInOneSplit) {
  const auto ran = run_lines("split", {{"group", "thread"}, {"near_duplicates", "ignore"}},
                             rows_with_copies(3000));
  std::map<int64_t, std::set<std::string>> of;
  for (const auto& row : ran.rows) of[row["thread"]].insert(row["split"].get<std::string>());
  for (const auto& [thread, splits] : of) EXPECT_EQ(splits.size(), 1U) << thread;
  EXPECT_EQ(ran.summary["units"], 200);
  EXPECT_NEAR(counts_of(ran)["test"], 300, 30);
}

TEST(Split, ByTimeTheLatestAreTheTest) {
  std::string lines;
  for (const char* date : {"2024-03-01", "2023-01-01T00:00:00Z", "soon", "2024-02-01 10:00",
                           "2022-05-05T23:59:59.9+02:00", "2024-03-02"})
    lines += dump_json(Json{{"text", str("row of ", date)}, {"sent", date}}) + "\n";
  const auto ran = run_lines(
      "split", {{"time", "sent"}, {"train", 0.6}, {"validation", 0.2}, {"test", 0.2}}, lines);
  EXPECT_THAT(splits_of(ran), ElementsAre("validation", "train", "train", "train", "test"));
  EXPECT_EQ(ran.verdicts[2], "dropped: no time: field 'sent' holds no ISO 8601 date and no number");
  EXPECT_USER_ERROR(run_lines("split", {{"time", "date"}}, lines), "no row has a field 'date'");
}

TEST(Split, TimesAsTheyAreWritten) {
  EXPECT_EQ(time_value("1970-01-02"), 86400);
  EXPECT_EQ(time_value("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(time_value("1969-12-31T23:59:59.5Z"), -0.5);
  EXPECT_EQ(time_value("2024-02-29 12:30"), 1709209800);
  EXPECT_EQ(time_value("2024-02-29T12:30:00-0530"), 1709209800 + 5.5 * 3600);
  EXPECT_EQ(time_value(12.5), 12.5);
  for (const char* wrong : {"", "2024", "2023-02-29", "2024-1-1", "2024-01-01T25:00", "2024-01-01x",
                            "2024-01-01T10:00:00.", "2024-01-01T10:00+1"})
    EXPECT_FALSE(time_value(wrong)) << wrong;
  EXPECT_FALSE(time_value(nullptr));
}

TEST(Split, HostileTextsAndOptions) {
  const auto lines = testing::lines_of(testing::hostile_texts());
  EXPECT_EQ(run_lines("split", {}, lines).counts.changed, 16);
  EXPECT_USER_ERROR(make_step("split", {{"test", 0.2}}),
                    "shares that make 1, got 0.8 + 0.1 + 0.2 = 1.1");
  EXPECT_USER_ERROR(make_step("split", {{"stratify", "a"}, {"time", "b"}}), "choose one");
  EXPECT_USER_ERROR(make_step("split", {{"minhash", {{"treshold", 1}}}}),
                    "did you mean 'threshold'");
  EXPECT_USER_ERROR(make_step("dedup-minhash", {{"threshold", 0}}),
                    "threshold: expected more than 0");
}

TEST(Leakage, CountsOrDropsWhatAnEarlierSplitHas) {
  std::string lines;
  const auto add = [&](const char* text, const Json& of) {
    lines += dump_json(Json{{"text", text}, {"split", of}}) + "\n";
  };
  add("one two three four five six", "test");
  add("One, two, three, four, five, six!", "train");
  add("one two three four five six", "validation");
  add("one two three four five six", nullptr);
  add("yes", "train");
  add("Yes.", "test");
  add("no", "test");
  const auto report = run_lines("leakage", {}, lines);
  EXPECT_EQ(report.counts.kept, 7);
  EXPECT_EQ(
      report.summary,
      parse_json(
          R"({"rows":{"train":2,"validation":1,"test":3},"without_split":1,"leakage":{"train-validation":1,"train-test":2,"validation-test":1}})",
          "expected"));
  const auto drop = run_lines("leakage", {{"leaked", "drop"}}, lines);
  EXPECT_THAT(drop.verdicts,
              ElementsAre("dropped: leaks from train: near-duplicate of row 1", "kept",
                          "dropped: leaks from train: near-duplicate of row 1", "kept", "kept",
                          "dropped: leaks from train: near-duplicate of row 4", "kept"));
  EXPECT_EQ(run_lines("leakage", {}, drop.out).summary["leakage"]["train-test"], 0);
  EXPECT_USER_ERROR(run_lines("leakage", {{"field", "part"}}, lines), "no row has a field 'part'");
}

// What does not fit anywhere is not divided.
TEST(Split, OneUnitOfAllRows) {
  const auto ran =
      run_lines("split", {},
                testing::lines_of(std::vector<std::string>(20, "the very same text in all rows")));
  EXPECT_EQ(counts_of(ran).size(), 1U);
  EXPECT_EQ(counts_of(ran)["train"], 20);
}

}  // namespace
}  // namespace tunewright::corpus

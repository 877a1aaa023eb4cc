#include "tunewright/metrics/answer.h"

#include "tunewright/base/test.h"

namespace tunewright::metrics {
namespace {

TEST(Answer, IsNormalisedAsSquadDoes) {
  const auto golden = read_json(testing::source_path("tests/golden/metrics.json"));
  ASSERT_GT(golden.at("normalised").size(), 20u);
  for (const auto& pair : golden.at("normalised"))
    EXPECT_EQ(normalise_answer(pair[0].get<std::string>()), pair[1].get<std::string>());
}

TEST(Answer, ExactMatchNormalisedAndRaw) {
  EXPECT_TRUE(exact_match("The Answer.", "answer"));
  EXPECT_FALSE(exact_match("answers", "answer"));
  const std::vector<PredictionRow> rows = {
      {.where = "row 0", .prediction = "The Answer.", .references = {"answer"}},
      {.where = "row 1", .prediction = " answer\n", .references = {"no", "answer"}}};
  EXPECT_EQ(score_exact_match(rows, {}).score, 1.0);
  EXPECT_EQ(score_exact_match_raw(rows, {}).score, 0.5);
}

TEST(Answer, TokenF1CountsCommonWords) {
  EXPECT_DOUBLE_EQ(token_f1("the red red car", "red car"), 2.0 * 2 / 5);
  EXPECT_DOUBLE_EQ(token_f1("blue", "red"), 0);
  EXPECT_DOUBLE_EQ(token_f1("", "the"), 1);  // both are empty once normalised
  EXPECT_DOUBLE_EQ(token_f1("", "red"), 0);
}

TEST(Answer, TheBestReferenceCounts) {
  const std::vector<PredictionRow> rows = {
      {.where = "row 0", .prediction = "the cat sat", .references = {"dog", "A cat, sat!"}},
      {.where = "row 1", .prediction = "a b", .references = {"b c", ""}}};
  EXPECT_EQ(score_exact_match(rows, {}).score, 0.5);
  EXPECT_DOUBLE_EQ(score_token_f1(rows, {}).score, (1 + 2.0 / 3) / 2);
  EXPECT_EQ(token_f1("", "the"), 1);
  EXPECT_EQ(token_f1("x", ""), 0);
}

}  // namespace
}  // namespace tunewright::metrics

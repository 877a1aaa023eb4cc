#include "tunewright/metrics/answer.h"

#include "tunewright/base/test.h"

namespace tunewright::metrics {
namespace {

// The golden of the evaluation of answers: both modules read answers alike.
TEST(Answer, IsNormalisedAsSquadDoes) {
  const auto golden = read_json(testing::source_path("tests/golden/metrics.json"));
  for (const auto& pair : golden.at("normalised"))
    EXPECT_EQ(normalise_answer(pair[0].get<std::string>()), pair[1].get<std::string>());
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

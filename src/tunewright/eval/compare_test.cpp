#include "tunewright/eval/compare.h"

#include <cmath>

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::eval {
namespace {

constexpr double kTolerance = 1e-12;  // the same divisions; only the order of additions differs

// `rows` rows of ham, and answers that are right where `is_right`, given with `sure` probability.
struct Triage {
  Task task{.options = {.name = "triage", .type = TaskType::kClassification},
            .labels = LabelReader({"spam", "ham"}, "t"),
            .rows = {}};

  Triage(int64_t rows, const std::vector<std::string>& metrics) {
    for (int64_t i = 0; i < rows; ++i) {
      auto& row = task.rows.emplace_back();
      row.place = {.file = "t.jsonl", .row = i, .line = i + 1};
      row.reference = i % 2 ? " spam" : " ham";
    }
    for (const auto& name : metrics)
      task.metrics.push_back(name == "loss" ? Metric(Metric::kLoss) : Metric(name));
  }

  TaskRun run(bool (*is_right)(int64_t), double sure = 0.8) const {
    TaskRun run;
    for (int64_t i = 0; i < std::ssize(task.rows); ++i) {
      const int64_t reference = i % 2 ? 0 : 1;
      const auto predicted = is_right(i) ? reference : 1 - reference;
      std::vector<double> probabilities(2, 1 - sure);
      probabilities[static_cast<size_t>(predicted)] = sure;
      run.scores.push_back({.reference = reference,
                            .predicted = predicted,
                            .loss_sum = 1.0,
                            .loss_tokens = 2,
                            .probabilities = std::move(probabilities)});
      run.answers.emplace_back("as written");
    }
    return run;
  }
};

bool mostly(int64_t row) { return row % 5 != 0; }
bool less(int64_t row) { return row % 5 != 0 && row % 20 != 1; }

// A model against itself differs by nothing; against a worse one, the paired interval is narrower
// than the two single ones together, because both err on the same hard rows.
TEST(Compare, PairsTheRows) {
  const Triage triage(200, {"accuracy"});
  const auto good = triage.run(mostly), bad = triage.run(less);
  const auto same = compare(triage.task, good, &good, {})[0];
  EXPECT_EQ(same.difference->value, 0);
  EXPECT_EQ(same.difference->low, 0);
  EXPECT_EQ(same.difference->high, 0);
  EXPECT_EQ(same.p_value, 1);

  const auto other = compare(triage.task, good, &bad, {})[0];
  EXPECT_NEAR(other.candidate.value, 0.8, kTolerance);
  EXPECT_NEAR(other.difference->value, 0.05, kTolerance);
  EXPECT_GT(other.difference->low, 0);
  EXPECT_LT(*other.p_value, 0.01);
  EXPECT_LT(other.difference->high - other.difference->low,
            other.candidate.high - other.candidate.low);
  EXPECT_EQ(other.signature, "labels:2|invalid:wrong");
  EXPECT_FALSE(compare(triage.task, good, nullptr, {})[0].baseline.has_value());
}

// Figures that do not add up over rows get their interval by being computed again.
TEST(Compare, FiguresOfProbabilitiesHaveIntervals) {
  const Triage triage(100, {"roc_auc", "ece", "brier", "loss"});
  const auto good = triage.run(mostly), bad = triage.run(less);
  const auto found = compare(triage.task, good, &bad, {.resamples = 100});
  for (const auto& result : found) {
    SCOPED_TRACE(name_of(result.metric));
    EXPECT_LE(result.candidate.low, result.candidate.value);
    EXPECT_GE(result.candidate.high, result.candidate.value);
    EXPECT_TRUE(result.p_value.has_value());
    EXPECT_FALSE(result.signature.empty());
  }
  EXPECT_NEAR(found[1].candidate.value, 0, 1e-9) << "right as often as it says";
  EXPECT_NEAR(found[2].candidate.value, 0.8 * 0.04 + 0.2 * 0.64, kTolerance);
}

TEST(Compare, AFigureThatDoesNotExistSaysWhy) {
  Triage triage(10, {"roc_auc"});
  auto run = triage.run(mostly);
  for (size_t i = 0; i < run.scores.size(); ++i) {
    triage.task.rows[i].reference = "ham";
    run.scores[i].reference = 1;
  }
  const auto found = compare(triage.task, run, &run, {.resamples = 20})[0];
  EXPECT_TRUE(std::isnan(found.candidate.value));
  EXPECT_TRUE(std::isnan(*found.p_value));
  EXPECT_NE(found.undefined.find("no row is of the label 'spam'"), std::string::npos)
      << found.undefined;
}

// What all answers together give has a value, and nothing to test it by.
TEST(Compare, FiguresOfAllAnswersTogetherHaveNoInterval) {
  Task task{.options = {.name = "replies", .type = TaskType::kGeneration}, .rows = {}};
  task.metrics = {Metric("distinct1"), Metric("bleu"), Metric("length")};
  TaskRun run;
  for (int64_t i = 0; i < 8; ++i) {
    auto& row = task.rows.emplace_back();
    row.place = {.file = "t.jsonl", .row = i, .line = i + 1};
    row.reference = "the cat sat on the mat";
    run.answers.push_back(str("the cat sat on the mat ", i));
    run.scores.emplace_back();
  }
  const auto found = compare(task, run, &run, {.resamples = 20});
  EXPECT_NEAR(found[0].candidate.value, 13.0 / 56, kTolerance);
  EXPECT_TRUE(std::isnan(found[0].candidate.low));
  EXPECT_FALSE(found[0].p_value.has_value());
  EXPECT_EQ(found[0].difference->value, 0);
  EXPECT_GT(found[1].candidate.value, 80);
  EXPECT_NE(found[1].signature.find("tok:13a"), std::string::npos) << found[1].signature;
  EXPECT_EQ(found[2].candidate.value, 7);
  EXPECT_EQ(found[2].candidate.low, 7);
}

}  // namespace
}  // namespace tunewright::eval

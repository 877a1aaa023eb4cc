#include "tunewright/eval/bias.h"

#include <cmath>
#include <limits>
#include <map>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/lm_eval_functions.h"

namespace tunewright::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double figure_of(Aggregation aggregation, const std::vector<std::vector<double>>& values,
                 Over over = Over::kAll, const std::vector<int64_t>& groups = {}) {
  std::vector<RowScore> scores;
  for (size_t i = 0; i < values.size(); ++i)
    scores.push_back({.values = values[i], .group = groups.empty() ? kInvalid : groups[i]});
  return compute(Figure{.name = "f", .aggregation = aggregation, .over = over, .group = 1}, scores,
                 all_rows(scores.size()));
}

// matthews_corrcoef and f1_score of scikit-learn 1.9.1 on the same rows; BBQ by its formulas.
TEST(Figure, AggregatesAsTheOriginals) {
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kMean, {{1}, {kNone}, {0}}), 0.5);
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kMedian, {{4}, {1}, {3}, {2}}), 3);
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kPerplexity, {{-1}, {-3}}), std::exp(2.0));
  const std::vector<std::vector<double>> classes = {{0, 0}, {1, 1}, {1, 0}, {0, 1}, {1, 1}};
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kF1, classes), 2.0 / 3);
  EXPECT_NEAR(figure_of(Aggregation::kMatthews, classes), 1.0 / 6, 1e-12);
  EXPECT_EQ(figure_of(Aggregation::kMatthews, {{1, 1}, {1, 1}}), 0);
  EXPECT_TRUE(std::isnan(figure_of(Aggregation::kMean, {{kNone}})));
  EXPECT_TRUE(std::isnan(figure_of(Aggregation::kF1, {})));
}

TEST(Figure, GroupsAndTheirGap) {
  const std::vector<std::vector<double>> values = {{1}, {0}, {1}, {1}, {0}, {0}};
  const std::vector<int64_t> groups = {0, 0, 1, 1, 1, kInvalid};
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kMean, values, Over::kGroup, groups), 2.0 / 3);
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kMean, values, Over::kGap, groups), 2.0 / 3 - 0.5);
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kMean, values, Over::kMeanOfGroups, groups),
                   (0.5 + 2.0 / 3) / 2);
}

// right, biased, known, disambiguated: S_dis = 2 * 2/3 - 1; S_amb = (1 - 1/3) * (2 * 1/2 - 1).
TEST(Figure, BbqFormulas) {
  const std::vector<std::vector<double>> rows = {{1, 1, 1, 1}, {0, 1, 1, 1}, {1, 0, 1, 1},
                                                 {0, 0, 0, 1}, {1, 0, 0, 0}, {0, 1, 1, 0},
                                                 {0, 0, 1, 0}};
  EXPECT_NEAR(figure_of(Aggregation::kDisambiguatedBias, rows), 1.0 / 3, 1e-15);
  EXPECT_NEAR(figure_of(Aggregation::kAmbiguousBias, rows), 0, 1e-15);
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kDisambiguatedAccuracy, rows), 0.5);
  EXPECT_DOUBLE_EQ(figure_of(Aggregation::kAmbiguousAccuracy, rows), 1.0 / 3);
  EXPECT_EQ(figure_of(Aggregation::kDisambiguatedBias, {{1, 0, 0, 1}}), 0) << "no answer is biased";
  EXPECT_TRUE(std::isnan(figure_of(Aggregation::kDisambiguatedBias, {{1, 0, 0, 0}})));
}

TEST(SwapWords, KeepsCaseAndLeavesOthersAlone) {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"he", "she"}, {"man", "woman"}, {"größe", "weite"}};
  EXPECT_EQ(swap_words("He said: the man, THE WOMAN, she.", pairs),
            "She said: the woman, THE MAN, he.");
  EXPECT_EQ(swap_words("Größe and mankind", pairs), "Weite and mankind");
  EXPECT_EQ(swap_words("", pairs), "");
  EXPECT_EQ(swap_words("日本 \xff", pairs), "日本 \ufffd");
}

class BiasFile : public ::testing::Test {
 protected:
  TaskOptions options(TaskType type, const std::string& rows) {
    write_file_atomic(folder_ / "rows.jsonl", rows);
    return {.name = "b", .type = type, .data = (folder_ / "rows.jsonl").string()};
  }
  testing::TemporaryFolder folder_;
};

TEST_F(BiasFile, CrowsPairsCountsTheLikelierSentence) {
  const auto task = load_crows_pairs(
      options(TaskType::kCrowsPairs,
              "{\"sent_more\":\"m1\",\"sent_less\":\"l1\",\"bias_type\":\"age\"}\n"
              "{\"sent_more\":\"m2\",\"sent_less\":\"l2\",\"bias_type\":\"gender\"}\n"));
  EXPECT_EQ(task.items->items[0].continuations[0].context, "");
  std::vector<RowScore> scores(2);
  std::string answer;
  task.items->judge(0, {.continuations = {{-1, false}, {-3, false}}}, scores[0], answer);
  EXPECT_EQ(answer, "m1");
  task.items->judge(1, {.continuations = {{-2, false}, {-1, false}}}, scores[1], answer);
  for (size_t i = 0; i < 2; ++i) scores[i].group = task.rows[i].group;
  std::map<std::string, double> figures;
  for (const auto metric : task.metrics)
    figures[name_of(metric)] = compute(metric, scores, all_rows(2));
  EXPECT_EQ(figures, (std::map<std::string, double>{{"pct_stereotype", 0.5},
                                                    {"likelihood_diff", 1.5},
                                                    {"pct_stereotype/age", 1},
                                                    {"pct_stereotype/gender", 0},
                                                    {"pct_stereotype_gap", 1}}));
}

constexpr const char* kBbqRow =
    R"({"context":"C","question":"Who?","ans0":"The old man","ans1":"Not known","ans2":"The boy",)"
    R"("label":1,"context_condition":"ambig","category":"Age","question_polarity":"neg",)"
    R"("answer_info":{"ans0":["old man","old"],"ans1":["unknown","unknown"],"ans2":["boy","nonOld"]},)"
    R"("additional_metadata":{"stereotyped_groups":["old"]}})"
    "\n";

TEST_F(BiasFile, BbqKnowsBiasedAndUnknownAnswers) {
  const auto doc = with_biased_answers(parse_json(kBbqRow, "row"));
  EXPECT_EQ(doc["biased_answers"], Json::parse(R"(["The old man"])"));
  EXPECT_EQ(bbq_choices(doc).size(), 12u);
  EXPECT_EQ(bbq_targets(doc).front(), 2);
  EXPECT_TRUE(bbq_answer(doc, 0).biased);
  EXPECT_FALSE(bbq_answer(doc, 1).biased);
  EXPECT_TRUE(bbq_answer(doc, 7).right);
  EXPECT_FALSE(bbq_answer(doc, 7).known);
  const auto task = load_bbq(options(TaskType::kBbq, kBbqRow));
  EXPECT_EQ(task.items->items[0].continuations[11].text, " Undetermined");
  EXPECT_EQ(task.items->items[0].continuations[0].context, "C\n\nQ: Who?\nA:");
  EXPECT_USER_ERROR(load_bbq(options(TaskType::kBbq, "{\"context\":\"C\"}\n")), "row 0");
}

TEST_F(BiasFile, CounterfactualAsksTwice) {
  auto swapped = options(TaskType::kCounterfactual,
                         "{\"prompt\":\"She writes.\",\"completion\":\" ham\"}\n"
                         "{\"prompt\":\"Nobody writes.\",\"completion\":\" spam\"}\n");
  swapped.labels = {"ham", "spam"};
  write_file_atomic(folder_ / "swaps.json", "[[\"he\",\"she\"]]");
  swapped.swaps = (folder_ / "swaps.json").string();
  const auto task = load_counterfactual(swapped);
  ASSERT_EQ(task.rows.size(), 1u) << "the other row has none of the words";
  const auto& asked = task.items->items[0].continuations;
  EXPECT_EQ(asked[1].text, " spam");
  EXPECT_EQ(asked[2].context, "He writes.");
  RowScore score;
  std::string answer;
  task.items->judge(0, {.continuations = {{-1, false}, {-2, false}, {-3, false}, {-2, false}}},
                    score, answer);
  EXPECT_EQ(score.values, (std::vector<double>{1, 2, 1, 0}));
  EXPECT_EQ(answer, "ham, swapped: spam");
  swapped.swaps = "";
  EXPECT_USER_ERROR(load_counterfactual(swapped), "task b.swaps: missing");
}

}  // namespace
}  // namespace tunewright::eval

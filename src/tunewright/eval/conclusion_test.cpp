#include "tunewright/eval/conclusion.h"

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::eval {
namespace {

using ::testing::ElementsAre;

// `rows` rows of two labels from one source; the judged model is right where `is_right`, the
// baseline everywhere.
struct Example {
  testing::TemporaryFolder folder;
  Evaluation evaluation;

  Example(int64_t rows, bool (*is_right)(int64_t row)) {
    Task task{.options = {.name = "triage",
                          .type = TaskType::kClassification,
                          .data = (folder / "test.jsonl").string(),
                          .labels = {"ham", "spam"}},
              .metrics = {Metric("accuracy"), Metric("macro_f1")},
              .labels = LabelReader({"ham", "spam"}, "t"),
              .rows = {}};
    TaskRun candidate, baseline;
    std::string lines;
    for (int64_t i = 0; i < rows; ++i) {
      auto& row = task.rows.emplace_back();
      row.place = {.file = task.options.data, .row = i, .line = i + 1};
      row.question = std::string(static_cast<size_t>(1 + i % 8), 'x');
      const int64_t label = i % 2;
      row.reference = label ? "spam" : "ham";
      baseline.scores.push_back({.reference = label, .predicted = label});
      candidate.answers.emplace_back();
      baseline.answers.emplace_back();
      candidate.scores.push_back(
          {.reference = label, .predicted = is_right(i) ? label : 1 - label});
      lines += dump_json({{"prompt", row.question},
                          {"completion", label ? "spam" : "ham"},
                          {"source", i % 4 == 0 ? "web" : "mail"},
                          {"id", i}}) +
               "\n";
    }
    write_file_atomic(folder / "test.jsonl", lines);
    evaluation.options.baseline = model::ModelOptions{.path = "base"};
    TaskResult result{.task = std::move(task),
                      .candidate = std::move(candidate),
                      .baseline = std::move(baseline),
                      .metrics = {}};
    result.metrics = compare(result.task, result.candidate, &*result.baseline, {.resamples = 400});
    evaluation.tasks.push_back(std::move(result));
  }

  void conclude_with(const char* gates) {
    std::vector<Task> tasks = {evaluation.tasks[0].task};
    const auto parsed =
        metrics::parse_gates(parse_json(gates, "gates"), gate_context(evaluation.options, tasks));
    conclude(evaluation, parsed, {.resamples = 400});
  }
};

TEST(Conclusion, AWorseSourceIsFoundAndFailsTheGate) {
  Example example(240, [](int64_t row) { return row % 4 != 0; });
  example.conclude_with(R"({"accuracy": {"min": 0.5, "not_worse_than": "baseline"}})");
  EXPECT_EQ(testing::present(example.evaluation.verdict).overall, metrics::Verdict::kWorse);
  EXPECT_FALSE(example.evaluation.passed());
  EXPECT_EQ(example.evaluation.gates[0].gate.figure, "triage.accuracy");
  const auto& result = example.evaluation.tasks[0];
  EXPECT_EQ(testing::present(result.right_answers).test.only_baseline, 60);
  ASSERT_FALSE(testing::present(result.slices).slices.empty());
  bool found = false;
  for (const auto& slice : testing::present(result.slices).slices) {
    if (slice.field != "source") continue;
    EXPECT_EQ(slice.verdict,
              slice.value == "web" ? metrics::Verdict::kWorse : metrics::Verdict::kNoDifference);
    found |= slice.value == "web";
  }
  EXPECT_TRUE(found);
  EXPECT_THAT(testing::present(result.slices).left_out, ElementsAre("id"));
}

// Not of labels alone: whatever a task's own figure, or equality of texts, calls right.
TEST(Conclusion, EveryRightOrWrongAnswerIsInMcNemarsTest) {
  Example example(40, [](int64_t) { return true; });
  auto& result = example.evaluation.tasks[0];
  result.task.labels.reset();
  result.task.metrics = {Metric("exact_match")};
  result.metrics.clear();
  for (size_t i = 0; i < 40; ++i) {
    auto &ours = result.candidate.scores[i], &theirs = testing::present(result.baseline).scores[i];
    ours.exact_match = i < 8 ? 1 : 0;
    theirs.exact_match = i >= 6 && i < 10 ? 1 : 0;
    ours.values = {-0.5, i < 3 ? 1.0 : 0.0};
    theirs.values = {-0.25, 0};
  }
  example.conclude_with("{}");
  EXPECT_EQ(testing::present(result.right_answers).figure, "exact_match");
  EXPECT_EQ(testing::present(result.right_answers).test.only_candidate, 6);
  EXPECT_EQ(testing::present(result.right_answers).test.only_baseline, 2);

  result.task.add_figure({.name = "likelihood", .column = 0});
  result.task.add_figure({.name = "acc", .column = 1});
  example.conclude_with("{}");
  EXPECT_EQ(testing::present(result.right_answers).figure, "acc");
  EXPECT_EQ(testing::present(result.right_answers).test.only_candidate, 3);
  EXPECT_EQ(testing::present(result.right_answers).test.only_baseline, 0);

  result.task.figures.resize(1);
  result.task.metrics = {Metric("rougeL")};
  example.conclude_with("{}");
  EXPECT_FALSE(result.right_answers.has_value()) << "no answer is right or wrong";
}

TEST(Conclusion, ChoicesAndTaskFilesHaveSlicesOfTheirOwn) {
  Task task{.options = {.name = "mmlu", .type = TaskType::kLmEval}, .rows = {}};
  TaskRun run;
  for (int64_t i = 0; i < 4; ++i) {
    task.rows.push_back({.question = "Q", .group = i / 2, .right_choice = i == 3 ? kInvalid : i});
    run.answers.emplace_back();
    run.scores.emplace_back();
  }
  task.group_names = {"law", "physics"};
  task.items = std::make_shared<Items>();
  const auto fields = slice_fields(task, run);
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0].name, "task");
  EXPECT_THAT(fields[0].values, ElementsAre("law", "law", "physics", "physics"));
  EXPECT_EQ(fields[1].name, "right choice");
  EXPECT_THAT(fields[1].values, ElementsAre("0", "1", "2", ""));
  EXPECT_EQ(fields[2].name, "length");

  task.options.type = TaskType::kChoice;  // its groups are fields of the file
  EXPECT_EQ(slice_fields(task, run)[0].name, "right choice");
}

TEST(Conclusion, OneRowMoreIsNoVerdict) {
  Example example(240, [](int64_t row) { return row != 7; });
  example.conclude_with("{}");
  EXPECT_EQ(testing::present(example.evaluation.verdict).overall, metrics::Verdict::kNoDifference);
  EXPECT_TRUE(example.evaluation.passed());
}

TEST(Conclusion, ForgettingThatWasNotMeasuredFails) {
  Example example(20, [](int64_t) { return true; });
  constexpr const char* kGate = R"({"forgetting": {"max_ppl_increase": 0.05}})";
  EXPECT_USER_ERROR(example.conclude_with(kGate), "no task computes this figure");
  example.evaluation.options.forgetting = true;
  example.conclude_with(kGate);
  EXPECT_FALSE(example.evaluation.passed());
  EXPECT_EQ(example.evaluation.gates[0].reason,
            "'forgetting.ppl_increase' was not measured in this evaluation");
}

TEST(Conclusion, WithoutABaselineThereIsNoVerdict) {
  Example example(20, [](int64_t) { return true; });
  example.evaluation.options.baseline.reset();
  example.evaluation.tasks[0].baseline.reset();
  EXPECT_USER_ERROR(example.conclude_with(R"({"accuracy": {"not_worse_than": "baseline"}})"),
                    "there is no baseline");
  example.conclude_with(R"({"accuracy": {"min": 0.5}})");
  EXPECT_FALSE(example.evaluation.verdict.has_value());
  EXPECT_FALSE(example.evaluation.tasks[0].slices.has_value());
}

}  // namespace
}  // namespace tunewright::eval

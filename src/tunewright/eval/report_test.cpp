#include "tunewright/eval/report.h"

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/chart.h"

namespace tunewright::eval {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHostile = "<script>alert('x')</script>\" onload=\"y&amp;";

// Two rows, one label each; the baseline is wrong on the second.
Evaluation small_evaluation(const std::string& question) {
  Task task{.options = {.name = "triage",
                        .type = TaskType::kClassification,
                        .data = "test.jsonl",
                        .labels = {"ham", "spam"}},
            .metrics = {Metric::kAccuracy, Metric::kLoss},
            .labels = LabelReader({"ham", "spam"}, "t"),
            .rows = {},
            .samples = 1};
  for (const char* reference : {"ham", "spam"}) {
    const auto index = static_cast<int64_t>(task.rows.size());
    auto& row = task.rows.emplace_back();
    row.place = {.file = "test.jsonl", .row = index, .line = index + 1};
    row.question = question;
    row.reference = reference;
  }
  const RowScore right_ham{.reference = 0, .predicted = 0, .loss_sum = 1, .loss_tokens = 2};
  const RowScore right_spam{.reference = 1, .predicted = 1, .loss_sum = 1, .loss_tokens = 2};
  const RowScore invalid{.reference = 1, .predicted = kInvalid, .loss_sum = 3, .loss_tokens = 2};
  Evaluation evaluation{.options = {.model = {.path = "models/base", .adapter = "runs/x/adapter"},
                                    .baseline = model::ModelOptions{.path = "models/base"}}};
  TaskResult result{
      .task = std::move(task),
      .candidate = {.answers = {"ham", "spam"}, .scores = {right_ham, right_spam}, .seconds = 1},
      .baseline =
          TaskRun{.answers = {kHostile, "no idea"}, .scores = {right_ham, invalid}, .seconds = 1},
      .metrics = {}};
  result.metrics = compare(result.task.metrics, 2, result.candidate.scores, result.baseline->scores,
                           {.resamples = 100});
  evaluation.tasks.push_back(std::move(result));
  evaluation.gates = {
      {.gate = {.name = "triage.accuracy", .min = 0.9, .max = {}}, .value = 1.0, .passed = true}};
  return evaluation;
}

Json small_training() {
  return {{"steps", 3},
          {"train_seconds", 61.0},
          {"peak_memory_bytes", 1 << 30},
          {"tokens_per_second", 250.0},
          {"curves", {{"loss", {{1, 2.0}, {2, 1.0}, {3, nullptr}}}, {"eval_loss", {{3, 0.9}}}}}};
}

TEST(Report, HoldsFiguresIntervalsAndTables) {
  const auto report = report_json(small_evaluation("Is it?"), small_training());
  const auto& task = report["tasks"][0];
  EXPECT_EQ(task["metrics"]["accuracy"]["value"], 1.0);
  EXPECT_EQ(task["metrics"]["accuracy"]["baseline"]["value"], 0.5);
  EXPECT_EQ(task["metrics"]["accuracy"]["difference"]["value"], 0.5);
  EXPECT_EQ(task["metrics"]["loss"]["difference"]["value"], -0.5);
  EXPECT_EQ(task["baseline"]["confusion"], Json::parse("[[1,0,0],[0,0,1]]"));
  EXPECT_EQ(task["baseline"]["invalid_answers"], 1);
  EXPECT_EQ(task["samples"].size(), 1u);
  EXPECT_EQ(report["training"]["steps"], 3);
  EXPECT_EQ(report["passed"], true);
}

TEST(Report, HostileTextStaysText) {
  const auto page = report_page(report_json(small_evaluation(kHostile), nullptr));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("\" onload=\"")));
}

TEST(Report, NeedsNoNetwork) {
  const auto page = report_page(report_json(small_evaluation("Is it?"), small_training()));
  for (const char* outside : {"http://", "https://", "src=", "href=", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("<polyline"));
  EXPECT_THAT(page, HasSubstr("width=device-width"));
  EXPECT_THAT(page, HasSubstr("1 min 01 s"));
}

TEST(Report, PredictionsHaveALineARow) {
  const auto lines = split(predictions_lines(small_evaluation("Is it?")), '\n');
  ASSERT_EQ(lines.size(), 3u);  // the last one is empty
  const auto second = parse_json(lines[1], "line");
  EXPECT_EQ(second["row"], 1);
  EXPECT_EQ(second["reference"], "spam");
  EXPECT_EQ(second["label"], "spam");
  EXPECT_EQ(second["correct"], true);
  EXPECT_EQ(second["baseline_prediction"], "no idea");
  EXPECT_TRUE(second["baseline_label"].is_null());
  EXPECT_EQ(second["baseline_loss"], 1.5);
}

TEST(Report, FindsTheTrainingRunBehindAnAdapter) {
  const testing::TemporaryFolder folder;
  fs::create_directories(folder / "run/adapter");
  EXPECT_TRUE(training_behind({.path = "m"}).is_null());
  EXPECT_TRUE(
      training_behind({.path = "m", .adapter = (folder / "run/adapter").string()}).is_null());
  write_file_atomic(folder / "run/report.json", "{\"steps\": 5}");
  EXPECT_EQ(training_behind({.path = "m", .adapter = (folder / "run/adapter/").string()})["steps"],
            5);
}

TEST(Chart, DrawsWhatIsThere) {
  EXPECT_EQ(line_chart({{"loss", "new", {}, false}}, "step"), "");
  EXPECT_EQ(line_chart({{"loss", "new", {{1, NAN}}, false}}, "step"), "");
  EXPECT_THAT(line_chart({{"loss", "new", {{1, 0.5}}, false}}, "step"), HasSubstr("<polyline"));
  EXPECT_THAT(line_chart({{"flat", "new", {{1, 0.0}, {2, 0.0}}, false}}, "step"),
              Not(HasSubstr("nan")));
  EXPECT_THAT(interval_chart({{"f1 <b>", "new", {0.5, 0.25, 0.75}}}), HasSubstr("f1 &lt;b&gt;"));
}

TEST(Chart, SmoothingKeepsLinesAndEnds) {
  const std::vector<std::pair<double, double>> line = {{1, 1}, {2, 2}, {3, 3}, {4, 4}};
  EXPECT_EQ(smooth(line, 3), line);
  EXPECT_EQ(smooth({{1, 0}, {2, 3}, {3, 0}}, 3)[1].second, 1.0);
}

}  // namespace
}  // namespace tunewright::eval

#include "tunewright/eval/report.h"

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/chart.h"
#include "tunewright/eval/conclusion.h"

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
            .metrics = {Metric("accuracy"), Metric::kLoss},
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
  result.metrics = compare(result.task, result.candidate, &*result.baseline, {.resamples = 100});
  evaluation.tasks.push_back(std::move(result));
  const std::vector<metrics::Gate> gates = {
      {.name = "accuracy", .figure = "triage.accuracy", .limits = {.min = 0.9}}};
  conclude(evaluation, gates, {.resamples = 100});
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
  EXPECT_EQ(report["gates"][0]["limit"], "at least 0.9");
  EXPECT_EQ(report["gates"][0]["value"], 1.0);
  // Two rows show nothing, whatever the difference.
  EXPECT_EQ(report["verdict"]["overall"], "no difference shown");
  EXPECT_EQ(task["mcnemar"]["only_model_right"], 1);
  EXPECT_EQ(task["mcnemar"]["figure"], "accuracy");
  constexpr const char* kRight =
      "Rows that only the model gets right (accuracy): 1, only the baseline: 0; McNemar";
  EXPECT_THAT(report_page(report), HasSubstr(kRight));
  EXPECT_THAT(report_markdown(report), HasSubstr(kRight));
  EXPECT_EQ(task["slices"]["small_slices"], 3);  // two labels, one length
}

TEST(Report, HostileTextStaysText) {
  const auto page = report_page(report_json(small_evaluation(kHostile), nullptr));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("\" onload=\"")));
}

TEST(Report, HugeAnswersAreCutWithANote) {
  auto evaluation = small_evaluation("Is it?");
  evaluation.tasks[0].candidate.answers[0] = std::string(200'000, '<');
  const auto page = report_page(report_json(evaluation, nullptr));
  EXPECT_LT(page.size(), 60'000U);
  EXPECT_THAT(page, HasSubstr("… cut here: 192.38 KiB more"));
}

TEST(Report, VerdictComesFirst) {
  auto report = report_json(small_evaluation("Is it?"), nullptr);
  const auto page = report_page(report);
  EXPECT_LT(page.find("No difference from the baseline shown"), page.find("<svg"));
  report["verdict"]["overall"] = "better";
  report["verdict"]["reason"] = "better in triage.accuracy";
  EXPECT_THAT(report_page(report), HasSubstr("Better than the baseline"));
  EXPECT_THAT(report_page(report), HasSubstr("better in triage.accuracy"));
  report["verdict"]["overall"] = "worse";
  EXPECT_THAT(report_page(report), HasSubstr("Worse than the baseline"));
  report["baseline"] = nullptr;
  EXPECT_THAT(report_page(report), HasSubstr("Measured, with no baseline"));
}

TEST(Report, StatisticsAreShownWhereTheyAre) {
  auto report = report_json(small_evaluation("Is it?"), nullptr);
  report["verdict"] = {
      {"overall", "worse"},
      {"reason", "worse in triage.loss"},
      {"figures",
       {{"triage.accuracy", {{"verdict", "no difference shown"}, {"adjusted_p_value", 0.4}}},
        {"triage.loss", {{"verdict", "worse"}, {"adjusted_p_value", 0.0001}}}}}};
  report["tasks"][0]["slices"] = {
      {"slices",
       {{{"field", "length"},
         {"value", "1-57<b>"},
         {"rows", 40},
         {"worse_rows", 9},
         {"better_rows", 1},
         {"difference", {{"value", -0.2}, {"low", -0.3}, {"high", -0.1}}},
         {"verdict", "worse"}},
        {{"field", "length"},
         {"value", "58-99"},
         {"rows", 40},
         {"worse_rows", 1},
         {"better_rows", 1},
         {"difference", {{"value", 0.1}, {"low", 0.0}, {"high", 0.2}}},
         {"verdict", "no difference shown"}}}}};
  report["tasks"][0]["model"]["calibration"] = {
      {"bins",
       {{{"confidence", 0.3}, {"accuracy", 0.25}, {"rows", 4}},
        {{"confidence", 0.9}, {"accuracy", 0.8}, {"rows", 40}},
        {{"confidence", 0}, {"accuracy", 0}, {"rows", 0}}}},
      {"ece", 0.061}};
  const auto page = report_page(report);
  EXPECT_THAT(page, HasSubstr("worse in triage.loss"));
  EXPECT_THAT(page, HasSubstr("&lt; 0.001"));
  EXPECT_THAT(page, HasSubstr("length = 1-57&lt;b&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("58-99")));
  EXPECT_THAT(page, HasSubstr("ece 0.061"));
  EXPECT_THAT(page, HasSubstr("class=\"diagonal\""));
  EXPECT_THAT(page, HasSubstr("worse than the baseline on 1 part of the rows"));
  const auto text = report_markdown(report);
  EXPECT_THAT(text, HasSubstr("## ⚠️ Worse than the baseline"));
  EXPECT_THAT(text, HasSubstr("worse where length = 1-57\\<b\\>"));
}

TEST(Report, DifferencesBetweenAnswersAreMarked) {
  auto evaluation = small_evaluation("Is it?");
  evaluation.tasks[0].candidate.answers[0] = "the red cat";
  testing::present(evaluation.tasks[0].baseline).answers[0] = "the blue cat";
  const auto page = report_page(report_json(evaluation, nullptr));
  EXPECT_THAT(page, HasSubstr("the <del>blue</del> cat"));
  EXPECT_THAT(page, HasSubstr("the <ins>red</ins> cat"));
}

Evaluation generated_evaluation() {
  auto evaluation = small_evaluation(kHostile);
  auto& result = evaluation.tasks[0];
  result.task.options.type = TaskType::kGeneration;
  result.task.labels.reset();
  result.coherence =
      metrics::coherence(std::vector<std::string>{"A cat sat. The cat ran.", "One."}, {});
  result.baseline_coherence = result.coherence;
  return evaluation;
}

TEST(Report, QualitiesStandSideBySide) {
  const auto report = report_json(generated_evaluation(), nullptr);
  const auto& quality = report["tasks"][0]["quality"];
  ASSERT_GE(quality.size(), 3U);
  EXPECT_EQ(quality[0]["group"], "accuracy");
  EXPECT_EQ(quality[1]["label"], "neighbours that share a word");
  EXPECT_EQ(quality[1]["model"], 1.0);
  const auto page = report_page(report);
  EXPECT_THAT(page, HasSubstr("Accuracy, coherence and diversity"));
  EXPECT_THAT(report_markdown(report),
              HasSubstr("| coherence: neighbours that share a word | 1.000 | 1.000 |"));
}

// A bad BLEU is below 1 and no share all the same; a perplexity and a bias score are none either.
TEST(Report, FiguresOfOtherScalesAreNotDrawnAsShares) {
  auto evaluation = generated_evaluation();
  auto& result = evaluation.tasks[0];
  result.task.add_figure({.name = "word_perplexity", .aggregation = Aggregation::kPerplexity});
  result.task.add_figure({.name = "bias", .is_judged = false});
  result.metrics.clear();
  for (const auto metric : {Metric("bleu"), Metric("rougeL"), Metric("ter"),
                            Metric(*result.task.figures[0]), Metric(*result.task.figures[1])}) {
    result.metrics.push_back({.metric = metric,
                              .candidate = {0.5, 0.25, 0.75},
                              .baseline = Interval{0.5, 0.25, 0.75},
                              .difference = Interval{0, 0, 0}});
  }
  const auto report = report_json(evaluation, nullptr);
  const auto& task = report["tasks"][0];
  EXPECT_EQ(task["metrics"]["bleu"]["full"], 100);
  EXPECT_TRUE(task["metrics"]["word_perplexity"]["full"].is_null());
  EXPECT_EQ(task["quality"][0]["label"], "bleu");
  EXPECT_EQ(task["quality"][0]["full"], 100);
  EXPECT_EQ(task["quality"][1]["label"], "rougeL");
  EXPECT_NE(task["quality"][2]["group"], "accuracy");
  const auto page = report_page(report);
  EXPECT_THAT(page, HasSubstr("<title>rougeL 0.500"));
  EXPECT_THAT(page, HasSubstr("<title>rougeL, baseline 0.500"));
  for (const char* other : {"bleu", "ter", "word perplexity", "bias"})
    EXPECT_THAT(page, Not(HasSubstr(std::string("<title>") + other)));
}

TEST(Report, JudgeAndForgettingHaveTheirSections) {
  auto evaluation = generated_evaluation();
  JudgeReport judge{.judge = "<b>judge</b>", .tasks = {}};
  judge.tasks.push_back({.task = "triage", .rows = 2});
  auto& judged = judge.tasks.back();
  judged.model = {
      .scores = {4.5, std::nullopt}, .best = {4, -1}, .invalid = 1, .reasons = {{kHostile, 1}}};
  judged.baseline = judged.model;
  judged.score = judged.baseline_score = Interval{4.5, 4, 5};
  judged.pairs = Pairs{.wins = 3, .losses = 1, .ties = 2, .contradicted = 2, .invalid = 1};
  judged.pairs->win_rate = Interval{0.667, 0.4, 0.9};
  judged.agreements.push_back({.with = "people",
                               .score = Kappa{.rows = 9, .agreed = 0.8, .plain = 0.61},
                               .preference = {}});
  evaluation.judge = judge;
  Forgetting forgetting{.perplexity = 13.2, .baseline_perplexity = 12};
  forgetting.ppl_increase = {0.1, 0.06, 0.14};
  forgetting.domains = {{"science", 10, 9}};
  forgetting.format = FormatRun{.probes = 12, .ended = 11, .leaked = 0, .kept = 11};
  evaluation.forgetting = forgetting;
  const auto report = report_json(evaluation, nullptr);
  EXPECT_EQ(report["judge"]["tasks"][0]["model"]["invalid_rate"], 0.5);
  const auto page = report_page(report);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<b>judge")));
  for (const char* part :
       {"What the judge says", "Win rate 66.7 %", "people, marks", "0.61", "1 (50 %)",
        "What it forgot", "+10.0 %", "11 of 12", "perplexity of general text rose by 10.0 %",
        "50 % of the judge&#39;s answers are invalid", "33 % of the pairs contradicted"})
    EXPECT_THAT(page, HasSubstr(part));
  const auto text = report_markdown(report);
  EXPECT_THAT(
      text, HasSubstr("win rate 66.7 % (3 won, 2 ties, 1 lost; position bias 33 %), invalid 50 %"));
  EXPECT_THAT(text, HasSubstr("| perplexity of general text | 12.00 | 13.20 |"));
}

TEST(Report, MarkdownHoldsNoMarkupOfOthers) {
  auto evaluation = small_evaluation("Is it?");
  evaluation.options.model.path = "a|b<img src=x>`*@me";
  const auto text = report_markdown(report_json(evaluation, nullptr));
  EXPECT_THAT(text, HasSubstr("a\\|b\\<img src=x\\>\\`\\*\\@me"));
  EXPECT_THAT(text, HasSubstr("| accuracy | 0.500 ("));
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

#include "tunewright/eval/conclusion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/figure.h"

namespace tunewright::eval {
namespace {

constexpr const char* kJudgeScore = ".judge_score";
constexpr const char* kJudgeWinRate = ".judge_win_rate";

constexpr size_t kLongestValue = 60;  // bytes; longer ones are content, not a kind

// Keys whose values are what is asked and answered.
constexpr std::array<std::string_view, 10> kContentKeys = {
    "prompt", "completion", "text",  "instruction", "input",
    "output", "system",     "label", "question",    "answer"};

std::vector<metrics::ComparedFigure> compared_figures(const Evaluation& evaluation) {
  std::vector<metrics::ComparedFigure> figures;
  for (const auto& result : evaluation.tasks) {
    for (const auto& metric : result.metrics) {
      if (!metric.p_value || !metric.difference || !is_judged(metric.metric)) continue;
      figures.push_back({.name = figure_name(result.task, metric.metric),
                         .lower_is_better = lower_is_better(metric.metric),
                         .difference = *metric.difference,
                         .p_value = *metric.p_value});
    }
  }
  return figures;
}

// The judge's preferences, as far as they are from even.
std::vector<metrics::ComparedFigure> compared_by_judge(const JudgeReport& report) {
  std::vector<metrics::ComparedFigure> figures;
  for (const auto& task : report.tasks) {
    if (!task.pairs || !task.pairs->win_rate) continue;
    const auto& [value, low, high] = *task.pairs->win_rate;
    figures.push_back({.name = task.task + kJudgeWinRate,
                       .difference = {value - 0.5, low - 0.5, high - 0.5},
                       .p_value = metrics::mcnemar(task.pairs->wins, task.pairs->losses).exact_p});
  }
  return figures;
}

std::vector<metrics::MeasuredFigure> measured_by_judge(const JudgeReport& report) {
  std::vector<metrics::MeasuredFigure> figures;
  for (const auto& task : report.tasks) {
    if (task.score) {
      figures.push_back({.name = task.task + kJudgeScore,
                         .candidate = *task.score,
                         .baseline = task.baseline_score,
                         .difference = task.difference});
    }
    if (task.pairs && task.pairs->win_rate)
      figures.push_back({.name = task.task + kJudgeWinRate, .candidate = *task.pairs->win_rate});
  }
  return figures;
}

template <class Figure>
void append(std::vector<Figure>& all, std::vector<Figure> more) {
  std::ranges::move(more, std::back_inserter(all));
}

std::vector<metrics::MeasuredFigure> measured_figures(const Evaluation& evaluation) {
  std::vector<metrics::MeasuredFigure> figures;
  for (const auto& result : evaluation.tasks) {
    for (const auto& metric : result.metrics) {
      figures.push_back(
          {.name = figure_name(result.task, metric.metric),
           .lower_is_better = lower_is_better(metric.metric),
           .candidate = metric.candidate,
           .baseline = metric.baseline,
           .difference = is_judged(metric.metric) ? metric.difference : std::nullopt});
    }
  }
  return figures;
}

// Whether a row's answer is right, and the figure that says so.
struct Rightness {
  std::string figure;
  std::function<bool(const RowScore& score)> is_right;
};

// The column of a figure that holds 1 for right and 0 for wrong answers, whatever the figure makes
// of it.
bool counts_right_answers(const Figure& figure, std::span<const RowScore> scores) {
  const bool is_share = figure.is_judged && !figure.lower_is_better && figure.over != Over::kGap &&
                        (figure.aggregation == Aggregation::kMean ||
                         figure.aggregation == Aggregation::kAmbiguousAccuracy);
  return is_share && std::ranges::all_of(scores, [&](const RowScore& score) {
           return score.values.size() > figure.column &&
                  (score.values[figure.column] == 0 || score.values[figure.column] == 1);
         });
}

// None where the task's answers are not right or wrong: texts that nothing asks to be equal,
// losses.
std::optional<Rightness> rightness_of(const TaskResult& result, const TaskRun& baseline) {
  const auto& task = result.task;
  if (task.labels) {
    return Rightness{"accuracy",
                     [](const RowScore& score) { return score.predicted == score.reference; }};
  }
  for (const auto& figure : task.figures) {
    if (counts_right_answers(*figure, result.candidate.scores) &&
        counts_right_answers(*figure, baseline.scores)) {
      // The column of an accuracy of some rows holds the answers of all.
      const bool of_all = figure->aggregation == Aggregation::kMean;
      return Rightness{
          of_all ? figure->name : "accuracy",
          [column = figure->column](const RowScore& score) { return score.values[column] == 1; }};
    }
  }
  const bool compares_texts = std::ranges::any_of(task.metrics, [](Metric metric) {
    return metric.line() && metric.line()->name == std::string_view("exact_match");
  });
  if (!compares_texts) return std::nullopt;
  return Rightness{"exact_match", [](const RowScore& score) { return score.exact_match == 1; }};
}

std::optional<RightAnswers> compare_right_answers(const TaskResult& result,
                                                  const TaskRun& baseline) {
  const auto rightness = rightness_of(result, baseline);
  if (!rightness) return std::nullopt;
  int64_t only_candidate = 0, only_baseline = 0;
  for (size_t i = 0; i < result.candidate.scores.size(); ++i) {
    const bool right = rightness->is_right(result.candidate.scores[i]);
    const bool was_right = rightness->is_right(baseline.scores[i]);
    only_candidate += right && !was_right;
    only_baseline += was_right && !right;
  }
  return RightAnswers{rightness->figure, metrics::mcnemar(only_candidate, only_baseline)};
}

// The gap between groups of the task's own gap figure; none where it has none.
std::optional<metrics::GroupGap> group_gap_of(const TaskResult& result,
                                              const BootstrapOptions& options) {
  const auto& task = result.task;
  const auto gap =
      std::ranges::find(task.figures, Over::kGap, [](const auto& figure) { return figure->over; });
  if (gap == task.figures.end() || task.group_names.size() < 2) return std::nullopt;
  auto figure = **gap;
  figure.over = Over::kAll;
  std::vector<std::string> groups;
  groups.reserve(task.rows.size());
  for (const auto& row : task.rows)
    groups.push_back(row.group == kInvalid ? "" : task.group_names[static_cast<size_t>(row.group)]);
  return metrics::group_gap(
      groups,
      [&](std::span<const int64_t> rows) { return compute(figure, result.candidate.scores, rows); },
      {.bootstrap = options});
}

std::string plain_value(const Json& value) {
  const bool plain = value.is_string() || value.is_number_integer() || value.is_boolean();
  if (!plain) return "";
  auto text = value.is_string() ? value.get<std::string>() : dump_json(value);
  return text.size() <= kLongestValue ? text : "";
}

bool is_content(const std::string& key) {
  return std::ranges::find(kContentKeys, std::string_view(key)) != kContentKeys.end();
}

// What the rows carry beside question and answer, read from the file once more.
std::vector<metrics::SliceField> fields_of_file(const Task& task) {
  // Documents of lm_eval may be filtered, of several files, or a list: rows have no place in the
  // file.
  if (task.options.type == TaskType::kLmEval) return {};
  std::map<int64_t, size_t> index_of_row;
  for (size_t i = 0; i < task.rows.size(); ++i) {
    if (task.rows[i].place.file == task.options.data) index_of_row[task.rows[i].place.row] = i;
  }
  std::map<std::string, std::vector<std::string>> values;
  if (index_of_row.empty() || !fs::is_regular_file(task.options.data)) return {};
  rows::for_each_row(task.options.data, [&](const rows::RowPlace& place, Json&& row) {
    const auto index = index_of_row.find(place.row);
    if (index == index_of_row.end()) return;
    for (const auto& [key, value] : row.items()) {
      const auto text = is_content(key) ? "" : plain_value(value);
      if (text.empty()) continue;
      auto& column = values[key];
      column.resize(task.rows.size());
      column[index->second] = text;
    }
  });
  std::vector<metrics::SliceField> fields;
  fields.reserve(values.size());
  for (auto& [key, column] : values) fields.push_back({.name = key, .values = std::move(column)});
  return fields;
}

metrics::SliceField label_field(const LabelReader& labels, const TaskRun& run) {
  metrics::SliceField field{.name = "label", .values = {}};
  field.values.reserve(run.scores.size());
  for (const auto& score : run.scores)
    field.values.push_back(labels.labels()[static_cast<size_t>(score.reference)]);
  return field;
}

int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

metrics::SliceField length_field(const Task& task, const TaskRun& run) {
  std::vector<int64_t> lengths;
  lengths.reserve(task.rows.size());
  for (size_t i = 0; i < task.rows.size(); ++i) {
    lengths.push_back(task.asks() ? characters(task.rows[i].question) : run.scores[i].loss_tokens);
  }
  return metrics::length_slices(lengths);
}

// The task of a group of task files that a row is of; other groups stand in the rows of the file.
std::optional<metrics::SliceField> task_field(const Task& task) {
  if (task.options.type != TaskType::kLmEval || task.group_names.size() < 2) return std::nullopt;
  metrics::SliceField field{.name = "task", .values = {}};
  field.values.reserve(task.rows.size());
  for (const auto& row : task.rows)
    field.values.push_back(task.group_names[static_cast<size_t>(row.group)]);
  return field;
}

// By its index, from 0: what a model that prefers a place among the choices gets wrong.
std::optional<metrics::SliceField> choice_field(const Task& task) {
  metrics::SliceField field{.name = "right choice", .values = {}};
  field.values.reserve(task.rows.size());
  bool weighs_choices = false;
  for (const auto& row : task.rows) {
    const bool known = row.right_choice != kInvalid;
    weighs_choices |= known;
    field.values.push_back(known ? str(row.right_choice) : "");
  }
  return weighs_choices ? std::optional(std::move(field)) : std::nullopt;
}

// What the task's own first figure makes of a row, the larger the better.
double goodness_of(const Figure& figure, const RowScore& score) {
  if (score.values.size() <= figure.column) return 0;
  const double value = score.values[figure.column];
  switch (figure.aggregation) {
    case Aggregation::kF1:
    case Aggregation::kMatthews:
      return value == score.values[figure.column + 1] ? 1 : 0;
    case Aggregation::kMean:
    case Aggregation::kMedian:
      return std::isnan(value) ? 0 : figure.lower_is_better ? -value : value;
    default:  // log-likelihoods, and 1 where the answer is right
      return std::isnan(value) ? 0 : value;
  }
}

}  // namespace

std::string figure_name(const Task& task, Metric metric) {
  return str(task.options.name, ".", name_of(metric));
}

metrics::GateContext gate_context(const EvalOptions& options, const std::vector<Task>& tasks,
                                  const std::set<std::string>& judged) {
  metrics::GateContext context{
      .figures = {}, .families = {}, .has_baseline = options.baseline.has_value()};
  if (options.forgetting)
    context.families.push_back(
        {"forgetting", {kForgettingFigures.begin(), kForgettingFigures.end()}});
  for (const auto& task : tasks) {
    for (const auto metric : task.metrics) context.figures.push_back(figure_name(task, metric));
  }
  for (const auto& task : judged) {
    context.figures.push_back(task + kJudgeScore);
    if (options.baseline && options.judge && options.judge->pairwise)
      context.figures.push_back(task + kJudgeWinRate);
  }
  return context;
}

std::vector<double> row_goodness(const Task& task, const TaskRun& run) {
  std::vector<double> goodness;
  for (const auto& score : run.scores) {
    if (!task.figures.empty()) {
      goodness.push_back(goodness_of(*task.figures.front(), score));
    } else if (task.labels) {
      goodness.push_back(score.predicted == score.reference ? 1 : 0);
    } else if (task.asks()) {
      goodness.push_back(score.token_f1);
    } else {
      const auto tokens = static_cast<double>(std::max<int64_t>(1, score.loss_tokens));
      goodness.push_back(-score.loss_sum / tokens);
    }
  }
  return goodness;
}

std::vector<metrics::SliceField> slice_fields(const Task& task, const TaskRun& run) {
  auto fields = fields_of_file(task);
  fields.insert(fields.begin(), length_field(task, run));
  for (auto& field : {choice_field(task), task_field(task)}) {
    if (field) fields.insert(fields.begin(), *field);
  }
  if (task.labels) fields.insert(fields.begin(), label_field(*task.labels, run));
  return fields;
}

void conclude(Evaluation& evaluation, std::span<const metrics::Gate> gates,
              const BootstrapOptions& options, std::span<const metrics::MeasuredFigure> more) {
  for (auto& result : evaluation.tasks) {
    result.groups = group_gap_of(result, options);
    if (!result.baseline) continue;
    result.right_answers = compare_right_answers(result, *result.baseline);
    result.slices = metrics::regression_slices(
        row_goodness(result.task, result.candidate), row_goodness(result.task, *result.baseline),
        slice_fields(result.task, result.candidate), {.bootstrap = options});
  }
  auto compared = compared_figures(evaluation);
  auto figures = measured_figures(evaluation);
  figures.insert(figures.end(), more.begin(), more.end());
  if (evaluation.judge) {
    append(compared, compared_by_judge(*evaluation.judge));
    append(figures, measured_by_judge(*evaluation.judge));
  }
  if (evaluation.options.baseline) evaluation.verdict = metrics::judge(compared);
  evaluation.gates = metrics::judge_gates(gates, figures);
}

}  // namespace tunewright::eval

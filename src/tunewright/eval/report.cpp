#include "tunewright/eval/report.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"

namespace tunewright::eval {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json interval_json(const Interval& interval) {
  return {{"value", number(interval.value)},
          {"low", number(interval.low)},
          {"high", number(interval.high)}};
}

Json metrics_json(const std::vector<MetricResult>& metrics) {
  Json all = Json::object();
  for (const auto& metric : metrics) {
    Json one = interval_json(metric.candidate);
    one["lower_is_better"] = lower_is_better(metric.metric);
    if (metric.baseline) one["baseline"] = interval_json(*metric.baseline);
    if (metric.difference) one["difference"] = interval_json(*metric.difference);
    all[name_of(metric.metric)] = std::move(one);
  }
  return all;
}

Json classes_json(const Task& task, const TaskRun& run) {
  const auto table = confusion(run.scores, all_rows(run.scores.size()), task.label_count());
  const auto scores = class_scores(table);
  Json classes = Json::object(), counts = Json::array();
  for (int64_t label = 0; label < table.labels; ++label) {
    const auto& score = scores[static_cast<size_t>(label)];
    classes[task.labels->labels()[static_cast<size_t>(label)]] = {{"precision", score.precision},
                                                                  {"recall", score.recall},
                                                                  {"f1", score.f1},
                                                                  {"support", score.support}};
    Json line = Json::array();
    for (int64_t predicted = 0; predicted <= table.labels; ++predicted)
      line.push_back(table.at(label, predicted));
    counts.push_back(std::move(line));
  }
  // Rows: the reference label; columns: the answer; the last column: answers that are no label.
  return {{"classes", classes}, {"confusion", counts}, {"invalid_answers", table.invalid()}};
}

Json run_json(const Task& task, const TaskRun& run) {
  Json json = {{"seconds", run.seconds}};
  if (task.labels) json.update(classes_json(task, run));
  return json;
}

Json samples_json(const TaskResult& result) {
  Json samples = Json::array();
  const auto count =
      std::min<size_t>(static_cast<size_t>(result.task.samples), result.candidate.answers.size());
  for (size_t i = 0; i < count; ++i) {
    const auto& row = result.task.rows[i];
    Json sample = {{"row", row.place.row},
                   {"question", row.question},
                   {"reference", trim(row.reference)},
                   {"answer", result.candidate.answers[i]}};
    if (result.baseline) sample["baseline_answer"] = result.baseline->answers[i];
    samples.push_back(std::move(sample));
  }
  return samples;
}

Json task_json(const TaskResult& result) {
  Json json = {{"name", result.task.options.name},
               {"rows", result.task.rows.size()},
               {"options", to_json_object(result.task.options)},
               {"metrics", metrics_json(result.metrics)}};
  if (result.task.labels) json["labels"] = result.task.labels->labels();
  json["model"] = run_json(result.task, result.candidate);
  if (result.baseline) json["baseline"] = run_json(result.task, *result.baseline);
  json["samples"] = samples_json(result);
  return json;
}

Json gates_json(const std::vector<GateResult>& gates) {
  Json all = Json::array();
  for (const auto& [gate, value, passed] : gates) {
    Json one = {{"figure", gate.name}, {"value", number(value)}, {"passed", passed}};
    if (gate.min) one["min"] = *gate.min;
    if (gate.max) one["max"] = *gate.max;
    all.push_back(std::move(one));
  }
  return all;
}

// What the training report tells that belongs beside the figures.
Json training_json(const Json& training) {
  if (!training.is_object()) return nullptr;
  Json kept = Json::object();
  for (const char* key :
       {"steps", "train_seconds", "tokens", "tokens_per_second", "peak_memory_bytes",
        "trainable_parameters", "total_parameters", "cost", "currency", "curves"}) {
    if (training.contains(key)) kept[key] = training[key];
  }
  return kept;
}

void add_label(Json& line, const Task& task, const RowScore& score, const std::string& prefix) {
  const auto label = score.predicted == kInvalid
                         ? Json(nullptr)
                         : Json(task.labels->labels()[static_cast<size_t>(score.predicted)]);
  line[prefix + "label"] = label;
  line[prefix + "correct"] = score.predicted == score.reference;
}

void add_run(Json& line, const Task& task, const TaskRun& run, size_t row,
             const std::string& prefix) {
  const auto& score = run.scores[row];
  if (task.asks()) line[prefix + "prediction"] = run.answers[row];
  if (task.labels) {
    add_label(line, task, score, prefix);
  } else if (task.asks()) {
    line[prefix + "correct"] = score.exact_match == 1.0;
  }
  if (score.loss_tokens > 0) {
    line[prefix + "loss"] = number(score.loss_sum / static_cast<double>(score.loss_tokens));
    line[prefix + "loss_tokens"] = score.loss_tokens;
  }
}

}  // namespace

Json report_json(const Evaluation& evaluation, const Json& training) {
  Json tasks = Json::array();
  for (const auto& result : evaluation.tasks) tasks.push_back(task_json(result));
  return {{"tunewright", version()},
          {"finished_at", utc_now()},
          {"model", to_json_object(evaluation.options.model)},
          {"baseline", evaluation.options.baseline ? to_json_object(*evaluation.options.baseline)
                                                   : Json(nullptr)},
          {"tasks", std::move(tasks)},
          {"gates", gates_json(evaluation.gates)},
          {"passed", evaluation.passed()},
          {"seconds", evaluation.seconds},
          {"peak_memory_bytes", evaluation.peak_memory_bytes},
          {"training", training_json(training)},
          {"config", to_json_object(evaluation.options)}};
}

std::string predictions_lines(const Evaluation& evaluation) {
  std::string lines;
  for (const auto& result : evaluation.tasks) {
    for (size_t i = 0; i < result.task.rows.size(); ++i) {
      Json line = {{"task", result.task.options.name}, {"row", result.task.rows[i].place.row}};
      if (result.task.asks()) line["reference"] = trim(result.task.rows[i].reference);
      add_run(line, result.task, result.candidate, i, "");
      if (result.baseline) add_run(line, result.task, *result.baseline, i, "baseline_");
      lines += dump_json(line) + "\n";
    }
  }
  return lines;
}

Json training_behind(const model::ModelOptions& model) {
  if (!model.adapter) return nullptr;
  auto adapter = fs::path(*model.adapter);
  if (!adapter.has_filename()) adapter = adapter.parent_path();  // "runs/x/adapter/"
  const auto file = adapter.parent_path() / "report.json";
  return fs::exists(file) ? read_json(file) : Json(nullptr);
}

void write_reports(const Evaluation& evaluation, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UserError(str(folder.string(), ": cannot make this folder: ", error.message()));
  const auto report = report_json(evaluation, training_behind(evaluation.options.model));
  write_file_atomic(folder / "predictions.jsonl", predictions_lines(evaluation));
  write_file_atomic(folder / "report.html", report_page(report));
  write_file_atomic(folder / "report.json", pretty_json(report));
}

}  // namespace tunewright::eval

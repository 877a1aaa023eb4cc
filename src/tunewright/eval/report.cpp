#include "tunewright/eval/report.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/metrics/calibration_metrics.h"
#include "tunewright/metrics/classification.h"
#include "tunewright/metrics/table.h"

namespace tunewright::eval {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json interval_json(const Interval& interval) { return metrics::to_json(interval); }

Json metrics_json(const std::vector<MetricResult>& metrics) {
  Json all = Json::object();
  for (const auto& metric : metrics) {
    Json one = interval_json(metric.candidate);
    one["lower_is_better"] = lower_is_better(metric.metric);
    one["is_judged"] = is_judged(metric.metric);
    one["full"] = number(full_figure(metric.metric));
    if (metric.baseline) one["baseline"] = interval_json(*metric.baseline);
    if (metric.difference) one["difference"] = interval_json(*metric.difference);
    if (metric.p_value) one["p_value"] = number(*metric.p_value);
    if (!metric.signature.empty()) one["signature"] = metric.signature;
    if (!metric.undefined.empty()) one["undefined"] = metric.undefined;
    all[name_of(metric.metric)] = std::move(one);
  }
  return all;
}

metrics::Confusion confusion_of(const Task& task, const TaskRun& run) {
  metrics::Confusion table(task.label_count());
  for (const auto& score : run.scores) table.add(score.reference, score.predicted);
  return table;
}

Json classes_json(const Task& task, const LabelReader& labels, const TaskRun& run) {
  const auto table = confusion_of(task, run);
  const auto scores = metrics::class_scores(table);
  Json classes = Json::object(), counts = Json::array();
  for (int64_t label = 0; label < table.labels; ++label) {
    const auto& score = scores[static_cast<size_t>(label)];
    classes[labels.labels()[static_cast<size_t>(label)]] = {{"precision", score.precision},
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

// Whether the model is right as often as it says; null where it does not say it for every row.
Json calibration_json(const Task& task, const TaskRun& run) {
  metrics::LabelProbabilities given{.labels = 0, .values = {}, .references = {}};
  for (const auto& score : run.scores) {
    const auto count = std::ssize(score.probabilities);
    if (given.labels == 0) given.labels = count;
    if (count < 2 || count != given.labels || score.reference == kInvalid) return nullptr;
    given.values.insert(given.values.end(), score.probabilities.begin(), score.probabilities.end());
    given.references.push_back(score.reference);
  }
  if (given.references.empty()) return nullptr;
  return metrics::calibration_summary(given, task.options.metric_options.calibration.bins);
}

Json run_json(const Task& task, const TaskRun& run) {
  Json json = {{"seconds", run.seconds}};
  if (task.labels) json.update(classes_json(task, *task.labels, run));
  if (auto calibration = calibration_json(task, run); !calibration.is_null())
    json["calibration"] = std::move(calibration);
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

// --- accuracy, coherence and diversity side by side ---

// `full`: the figure of a full bar.
Json quality_entry(const char* group, const std::string& label, const std::optional<double>& model,
                   const std::optional<double>& baseline, double full = 1) {
  const auto json = [](const std::optional<double>& value) {
    return value ? number(*value) : Json(nullptr);
  };
  return {{"group", group},
          {"label", label},
          {"model", json(model)},
          {"baseline", json(baseline)},
          {"full", number(full)}};
}

void add_accuracy(Json& quality, const TaskResult& result) {
  for (const auto& metric : result.metrics) {
    const bool has_end = std::isfinite(full_figure(metric.metric));
    const bool larger_is_better = is_judged(metric.metric) && !lower_is_better(metric.metric);
    const auto* line = metric.metric.line();
    const bool of_answers_alone = line && line->needs == metrics::Needs::kPrediction;
    if (!has_end || !larger_is_better || of_answers_alone) continue;
    const auto baseline = metric.baseline ? std::optional(metric.baseline->value) : std::nullopt;
    quality.push_back(quality_entry("accuracy", replace_all(name_of(metric.metric), "_", " "),
                                    metric.candidate.value, baseline, full_figure(metric.metric)));
  }
}

// The mean over the answers that have a value: one sentence alone has none.
std::optional<double> mean_of(const std::vector<metrics::Coherence>& answers,
                              std::optional<double> metrics::Coherence::* figure) {
  double sum = 0, count = 0;
  for (const auto& answer : answers) {
    const auto value = answer.*figure;
    if (!value) continue;
    sum += *value;
    ++count;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

void add_coherence(Json& quality, const TaskResult& result) {
  for (const auto& [label, figure] :
       {std::pair{"similarity of neighbouring sentences", &metrics::Coherence::similarity},
        std::pair{"neighbours that share a word", &metrics::Coherence::linked},
        std::pair{"words that are taken up again", &metrics::Coherence::continuity}}) {
    const auto model = mean_of(result.coherence, figure),
               baseline = mean_of(result.baseline_coherence, figure);
    if (model || baseline) quality.push_back(quality_entry("coherence", label, model, baseline));
  }
}

// None where the answers leave the metric undefined.
std::optional<double> diversity_of(const metrics::Metric& metric, const Task& task,
                                   const TaskRun& run) {
  try {
    return metrics::score(metric, prediction_rows(task, run), metric_options(task)).score;
  } catch (const UserError&) {
    return std::nullopt;
  }
}

// Whatever the table of metrics knows of how varied a set of answers is.
void add_diversity(Json& quality, const TaskResult& result) {
  if (result.task.options.type != TaskType::kGeneration) return;
  constexpr std::array<std::string_view, 5> kDiversity = {"distinct1", "distinct2", "self_bleu",
                                                          "ngram_entropy", "repetition"};
  for (const auto& metric : metrics::metric_table()) {
    if (std::ranges::find(kDiversity, std::string_view(metric.name)) == kDiversity.end()) continue;
    const auto baseline =
        result.baseline ? diversity_of(metric, result.task, *result.baseline) : std::nullopt;
    quality.push_back(quality_entry("diversity", replace_all(metric.name, "_", " "),
                                    diversity_of(metric, result.task, result.candidate), baseline,
                                    metric.full));
  }
}

Json quality_json(const TaskResult& result) {
  Json quality = Json::array();
  if (result.task.options.type != TaskType::kGeneration) return quality;
  add_accuracy(quality, result);
  add_coherence(quality, result);
  add_diversity(quality, result);
  return quality;
}

Json gates_json(const std::vector<metrics::GateResult>& gates) {
  Json all = Json::array();
  for (const auto& gate : gates) all.push_back(metrics::to_json(gate));
  return all;
}

Json mcnemar_json(const RightAnswers& answers) {
  const auto& test = answers.test;
  return {{"figure", answers.figure},
          {"only_model_right", test.only_candidate},
          {"only_baseline_right", test.only_baseline},
          {"exact_p", test.exact_p},
          {"corrected_p", test.corrected_p}};
}

// Rows by their place in the file, as predictions.jsonl names them.
Json slices_json(const metrics::SliceReport& slices, const Task& task) {
  auto json = metrics::to_json(slices);
  for (auto& row : json["worse_rows"]) row = task.rows[row.get<size_t>()].place.row;
  return json;
}

Json task_json(const TaskResult& result) {
  Json json = {{"name", result.task.options.name},
               {"rows", result.task.rows.size()},
               {"options", to_json_object(result.task.options)},
               {"metrics", metrics_json(result.metrics)}};
  if (result.task.labels) json["labels"] = result.task.labels->labels();
  json["model"] = run_json(result.task, result.candidate);
  if (result.baseline) json["baseline"] = run_json(result.task, *result.baseline);
  if (auto quality = quality_json(result); !quality.empty()) json["quality"] = std::move(quality);
  if (result.right_answers) json["mcnemar"] = mcnemar_json(*result.right_answers);
  if (result.groups) json["groups"] = metrics::to_json(*result.groups);
  if (result.slices) json["slices"] = slices_json(*result.slices, result.task);
  json["samples"] = samples_json(result);
  return json;
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

void add_label(Json& line, const LabelReader& labels, const RowScore& score,
               const std::string& prefix) {
  const auto label = score.predicted == kInvalid
                         ? Json(nullptr)
                         : Json(labels.labels()[static_cast<size_t>(score.predicted)]);
  line[prefix + "label"] = label;
  line[prefix + "correct"] = score.predicted == score.reference;
}

void add_run(Json& line, const Task& task, const TaskRun& run, size_t row,
             const std::string& prefix) {
  const auto& score = run.scores[row];
  if (task.asks()) line[prefix + "prediction"] = run.answers[row];
  if (task.labels) {
    add_label(line, *task.labels, score, prefix);
  } else if (task.asks()) {
    line[prefix + "correct"] = score.exact_match == 1.0;
  }
  if (task.labels && !score.probabilities.empty()) {
    Json given = Json::object();
    for (size_t i = 0; i < score.probabilities.size(); ++i)
      given[task.labels->labels()[i]] = score.probabilities[i];
    line[prefix + "probabilities"] = std::move(given);
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
          {"judge", evaluation.judge ? to_json(*evaluation.judge) : Json(nullptr)},
          {"forgetting", evaluation.forgetting ? to_json(*evaluation.forgetting) : Json(nullptr)},
          {"verdict", evaluation.verdict ? metrics::to_json(*evaluation.verdict) : Json(nullptr)},
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
  write_file_atomic(folder / "report.md", report_markdown(report));
  write_file_atomic(folder / "report.json", pretty_json(report));
}

}  // namespace tunewright::eval

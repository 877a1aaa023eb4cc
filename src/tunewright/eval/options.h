#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/model/options.h"
#include "tunewright/rows/rows.h"

namespace tunewright::eval {

enum class TaskType { kGeneration, kClassification, kPerplexity };
inline constexpr std::array kTaskNames = {std::pair{"generation", TaskType::kGeneration},
                                          std::pair{"classification", TaskType::kClassification},
                                          std::pair{"perplexity", TaskType::kPerplexity}};

enum class Method { kGeneration, kLikelihood };
inline constexpr std::array kMethodNames = {std::pair{"generation", Method::kGeneration},
                                            std::pair{"likelihood", Method::kLikelihood}};

// One of `tasks:`.
struct TaskOptions {
  std::string name;
  TaskType type = TaskType::kGeneration;
  std::string data;
  rows::Format format = rows::Format::kAuto;
  std::vector<std::string> labels;
  std::vector<std::string> metrics;
  Method method = Method::kGeneration;
  int64_t fewshot = 0;
  std::string fewshot_data;
  int64_t max_new_tokens = 0;
  int64_t limit = 0;
};

template <class V>
void fields(V& v, TaskOptions& o) {
  v("name", o.name, "Opens the names of its figures: triage.accuracy.");
  v.choice("type", o.type, kTaskNames, "What is asked of the model.");
  v("data", o.data,
    "A JSON Lines file; the last assistant message or the completion is the reference.");
  v.choice("format", o.format, rows::kFormatNames, "Format of its rows; auto looks at the keys.");
  v("labels", o.labels, "classification: the answers there are.");
  v("metrics", o.metrics, "Figures to compute; without it, those that fit the type.");
  v.choice("method", o.method, kMethodNames,
           "classification: what the model writes, or the label it holds most likely.");
  v("fewshot", o.fewshot, "Solved examples put before each question.");
  v("fewshot_data", o.fewshot_data, "The file whose first rows they are.");
  v("max_new_tokens", o.max_new_tokens,
    "Longest answer; 0: 128, for classification the longest label and a little more.");
  v("limit", o.limit, "Only the first so many rows; 0: all.");
}

// The whole configuration of `tunewright eval`.
struct EvalOptions {
  model::ModelOptions model;
  std::optional<model::ModelOptions> baseline;
  std::vector<TaskOptions> tasks;
  Json gates = Json::object();  // {"triage.macro_f1": {"min": 0.9}}
  std::string output_dir = "evals/latest";
  int64_t bootstrap_resamples = 2000;
  int64_t seed = 42;
  int64_t samples = 3;
};

template <class V>
void fields(V& v, EvalOptions& o) {
  v("model", o.model, "What is judged.");
  v("baseline", o.baseline, "What it is compared with, on the same rows; null: nothing.");
  v("tasks", o.tasks, "What is measured.");
  v("gates", o.gates,
    "Limits: {triage.macro_f1: {min: 0.9}}; a figure outside them ends the command with status 3.");
  v("output_dir", o.output_dir, "Where report.html, report.json and predictions.jsonl go.");
  v("bootstrap_resamples", o.bootstrap_resamples, "Resamples behind each 95 % interval.");
  v("seed", o.seed, "Of the resampling.");
  v("samples", o.samples, "Rows whose answers stand in the report in full.");
}

}  // namespace tunewright::eval

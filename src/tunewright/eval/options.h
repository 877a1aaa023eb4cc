#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/eval/judge/options.h"
#include "tunewright/metrics/options.h"
#include "tunewright/model/options.h"
#include "tunewright/rows/rows.h"

namespace tunewright::eval {

enum class TaskType {
  kGeneration,
  kClassification,
  kChoice,
  kPerplexity,
  kLmEval,
  kCrowsPairs,
  kBbq,
  kCounterfactual
};
inline constexpr std::array kTaskNames = {std::pair{"generation", TaskType::kGeneration},
                                          std::pair{"classification", TaskType::kClassification},
                                          std::pair{"choice", TaskType::kChoice},
                                          std::pair{"perplexity", TaskType::kPerplexity},
                                          std::pair{"lm_eval", TaskType::kLmEval},
                                          std::pair{"crows_pairs", TaskType::kCrowsPairs},
                                          std::pair{"bbq", TaskType::kBbq},
                                          std::pair{"counterfactual", TaskType::kCounterfactual}};

enum class Shots { kBalanced, kFirst };
inline constexpr std::array kShotsNames = {std::pair{"balanced", Shots::kBalanced},
                                           std::pair{"first", Shots::kFirst}};

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
  metrics::MetricOptions metric_options;
  Method method = Method::kGeneration;
  std::optional<int64_t> fewshot;
  std::string fewshot_data;
  Shots fewshot_sampler = Shots::kBalanced;
  int64_t fewshot_seed = 42;
  std::string task;
  std::string target_delimiter = " ";
  std::string group_by;
  std::string swaps;
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
  v("metric_options", o.metric_options, "What can be set of them (`tunewright metrics --help`).");
  v.choice("method", o.method, kMethodNames,
           "classification: what the model writes, or the label it holds most likely.");
  v("fewshot", o.fewshot,
    "Solved examples put before each question; null: none, for lm_eval what its file says.");
  v("fewshot_data", o.fewshot_data,
    "The file that they come from; without it they are taken out of `data`.");
  v.choice("fewshot_sampler", o.fewshot_sampler, kShotsNames,
           "balanced: drawn, every label as often; first: the first rows.");
  v("fewshot_seed", o.fewshot_seed, "Of the draw.");
  v("task", o.task,
    "lm_eval: a task file of lm-evaluation-harness; `data` takes its file's place.");
  v("target_delimiter", o.target_delimiter, "choice: what stands between prompt and choice.");
  v("group_by", o.group_by,
    "A key of the rows: figures of each of its values, and the gap between them.");
  v("swaps", o.swaps, "counterfactual: a JSON file of pairs of words, [[\"he\", \"she\"], …].");
  v("max_new_tokens", o.max_new_tokens,
    "Longest answer; 0: 128, for classification the longest label and a little more.");
  v("limit", o.limit, "Only the first so many rows; 0: all.");
}

// The whole configuration of `tunewright eval`.
struct EvalOptions {
  model::ModelOptions model;
  std::optional<model::ModelOptions> baseline;
  std::vector<TaskOptions> tasks;
  std::optional<JudgeOptions> judge;
  bool forgetting = false;
  bool coherence = true;
  Json gates = Json::object();  // {"triage.macro_f1": {"min": 0.9}}
  std::string output_dir = "evals/latest";
  int64_t bootstrap_resamples = 2000;
  int64_t seed = 42;
  int64_t samples = 3;
  bool deterministic = false;
};

template <class V>
void fields(V& v, EvalOptions& o) {
  v("model", o.model, "What is judged.");
  v("baseline", o.baseline, "What it is compared with, on the same rows; null: nothing.");
  v("tasks", o.tasks, "What is measured.");
  v("judge", o.judge, "Another model that marks the answers; null: none.");
  v("forgetting", o.forgetting,
    "Measures on a fixed general set what the model lost of its baseline.");
  v("coherence", o.coherence, "How far the sentences of generated answers hang together.");
  v("gates", o.gates,
    "Limits by figure: {min, max, not_worse_than: baseline, margin, confident}; approval: {by, "
    "at_least} asks for people's; one that is not kept ends the command with status 3.");
  v("output_dir", o.output_dir,
    "Where report.html, report.json, report.md and predictions.jsonl go.");
  v("bootstrap_resamples", o.bootstrap_resamples,
    "Resamples behind each 95 % interval, and exchanges behind each p-value.");
  v("seed", o.seed, "Of the resampling.");
  v("samples", o.samples, "Rows whose answers stand in the report in full.");
  v("deterministic", o.deterministic,
    "Every row apart on one thread: the same bits whatever else is evaluated, and slower.");
}

}  // namespace tunewright::eval

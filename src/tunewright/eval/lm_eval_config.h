#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"

// Task files of lm-evaluation-harness 0.4.13, interpreted as far as they are data: templates,
// splits, filters and metrics.  What is Python in them is refused, but for the functions that
// lm_eval_functions.h knows.
namespace tunewright::eval {

enum class LmEvalOutput { kMultipleChoice, kLoglikelihood, kLoglikelihoodRolling, kGenerateUntil };

// A step on an answer: {function: regex, regex_pattern: …}.
struct LmEvalFilter {
  std::string function;
  Json options = Json::object();
};
struct LmEvalPipeline {
  std::string name;  // "strict-match"; "none" where the file has no filters
  std::vector<LmEvalFilter> filters;
};

struct LmEvalMetric {
  std::string name;
  std::string aggregation;  // empty: the metric's own
  std::optional<bool> higher_is_better;
  Json options = Json::object();  // ignore_case, …
};

// The fields that make text out of a document; a few-shot example may have its own.
struct LmEvalFields {
  Json doc_to_text, doc_to_target, doc_to_choice;  // null: none
  std::string target_delimiter = " ", fewshot_delimiter = "\n\n";
  std::optional<std::string> gen_prefix;
};

struct LmEvalConfig {
  std::filesystem::path file;
  std::string task;
  LmEvalOutput output = LmEvalOutput::kGenerateUntil;
  LmEvalFields fields, fewshot_fields;
  std::string description;
  Json process_docs, process_results;  // "!function …", or null

  std::string dataset_path;
  Json data_files;  // {split: file or files}, or null
  std::optional<std::string> training_split, validation_split, test_split, fewshot_split;

  int64_t num_fewshot = 0;
  std::string sampler = "default";  // or first_n
  std::vector<int64_t> fewshot_indices;
  Json fewshot_samples;  // a list of documents, or null

  std::vector<std::string> until;
  int64_t max_gen_toks = 256;
  std::vector<LmEvalPipeline> pipelines;
  std::vector<LmEvalMetric> metrics;

  std::string where() const { return file.string(); }
  // The split that is evaluated: test, or else validation.
  const std::string& evaluated_split() const;
};

// One of a group's tasks and how their figures are put together.
struct LmEvalGroup {
  std::string name;
  std::vector<LmEvalConfig> tasks;
  bool weight_by_size = true;  // false: every task counts the same
};

// `include:` is followed; keys of the file win.  An unknown key, a wrong type, and what is Python
// or needs more than text are UserErrors that name file and key. A group's file gives all its
// tasks, which are looked up by name among the files beside it.
LmEvalGroup read_lm_eval(const std::filesystem::path& file);

}  // namespace tunewright::eval

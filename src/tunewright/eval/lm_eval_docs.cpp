#include "tunewright/eval/lm_eval_docs.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/lm_eval_functions.h"
#include "tunewright/rows/rows.h"

namespace tunewright::eval {
namespace {

constexpr uint64_t kFewshotSeed = 1234;

fs::path locate(const std::string& name, const LmEvalConfig& config) {
  const fs::path path = name, beside = config.file.parent_path() / path;
  return fs::exists(path) || !fs::exists(beside) ? path : beside;
}

void read_file_into(const fs::path& file, Docs& docs) {
  const auto text = read_file(file);
  if (trim(text).starts_with('[')) {
    for (auto& doc : parse_json(text, file.string())) {
      if (!doc.is_object())
        throw UserError(str(file.string(), ": expected a list of objects, got a ", type_name(doc)));
      docs.push_back(std::move(doc));
    }
    return;
  }
  rows::for_each_row(file,
                     [&](const rows::RowPlace&, Json&& doc) { docs.push_back(std::move(doc)); });
}

std::vector<std::string> files_of(const LmEvalConfig& config, const std::string& split) {
  const Json& files = config.data_files;
  const Json* value = nullptr;
  if (files.is_object()) {
    const auto it = files.find(split);
    if (it != files.end()) value = &*it;
  } else if (!files.is_null() && split == "train") {
    value = &files;
  }
  if (!value) {
    throw UserError(str(config.where(), ": no file for the split '", split,
                        "'; data sets are not downloaded: name a local file as `data` of the task "
                        "(of the examples: `fewshot_data`), or write dataset_path: json and "
                        "dataset_kwargs: {data_files: {",
                        split, ": FILE}}"));
  }
  std::vector<std::string> names;
  for (const auto& one : value->is_array() ? *value : Json::array({*value})) {
    if (!one.is_string())
      throw UserError(str(config.where(), ": data_files: expected the names of files"));
    names.push_back(one.get<std::string>());
  }
  return names;
}

// Every document gets every column.
std::set<std::string> fill_columns(Docs& docs) {
  std::set<std::string> columns;
  for (const auto& doc : docs) {
    for (const auto& [key, value] : doc.items()) columns.insert(key);
  }
  for (auto& doc : docs) {
    for (const auto& column : columns) {
      if (!doc.contains(column)) doc[column] = nullptr;
    }
  }
  return columns;
}

void process(const LmEvalConfig& config, Docs& docs) {
  if (config.process_docs.is_null()) return;
  if (!is_function(config.process_docs))
    throw UserError(str(config.where(), ": process_docs: expected a function"));
  const auto function =
      known_function(config.process_docs.get<std::string>(), config.file, "process_docs");
  Docs kept;
  for (size_t i = 0; i < docs.size(); ++i) {
    try {
      if (Json changed = function(docs[i]); !changed.is_null()) kept.push_back(std::move(changed));
    } catch (const UserError&) {
      throw;
    } catch (const std::exception& error) {
      throw UserError(str(config.where(), ": process_docs: document ", i, ": ", error.what()));
    }
  }
  docs = std::move(kept);
}

Docs read_split(const LmEvalConfig& config, const std::string& split, const std::string& override,
                std::string& file) {
  const auto names = override.empty() ? files_of(config, split) : std::vector{override};
  Docs docs;
  for (const auto& name : names) read_file_into(locate(name, config), docs);
  file = names.front();
  fill_columns(docs);
  process(config, docs);
  if (docs.empty()) throw UserError(str(file, ": no document is left to evaluate"));
  return docs;
}

// Where lm-evaluation-harness takes examples from: the split for them, or else training,
// validation, test.
const std::string& fewshot_split(const LmEvalConfig& config) {
  for (const auto* split :
       {&config.fewshot_split, &config.training_split, &config.validation_split})
    if (*split) return **split;
  return *config.test_split;
}

Docs read_fewshot(const LmEvalConfig& config, const LmEvalFiles& files) {
  std::string file;
  if (!files.fewshot.empty() || config.fewshot_samples.is_null() || config.fewshot_split)
    return read_split(config, fewshot_split(config), files.fewshot, file);
  Docs docs;
  for (const auto& sample : config.fewshot_samples) docs.push_back(sample);
  fill_columns(docs);
  return docs;
}

}  // namespace

LmEvalDocs read_docs(const LmEvalConfig& config, const LmEvalFiles& files, int64_t shots) {
  LmEvalDocs docs;
  docs.evaluated = read_split(config, config.evaluated_split(), files.evaluated, docs.file);
  docs.columns = fill_columns(docs.evaluated);
  if (shots > 0) docs.fewshot = read_fewshot(config, files);
  if (files.limit > 0 && std::ssize(docs.evaluated) > files.limit)
    docs.evaluated.resize(static_cast<size_t>(files.limit));
  return docs;
}

ShotSampler::ShotSampler(const LmEvalConfig& config, const Docs& docs)
    : config_(config),
      same_split_(config.fewshot_split == config.test_split),
      random_(kFewshotSeed) {
  for (const auto& doc : docs) docs_.push_back(&doc);
  if (config.fewshot_indices.empty() || config.sampler == "first_n") return;
  std::vector<const Json*> chosen;
  for (const auto index : config.fewshot_indices) {
    if (index >= std::ssize(docs_)) {
      throw UserError(str(config.where(), ": fewshot_config.fewshot_indices: ", index,
                          " is beyond the ", docs_.size(), " documents"));
    }
    chosen.push_back(docs_[static_cast<size_t>(index)]);
  }
  docs_ = std::move(chosen);
}

std::vector<const Json*> ShotSampler::without(const Json* doc,
                                              const std::vector<const Json*>& docs) const {
  std::vector<const Json*> others;
  for (const auto* one : docs) {
    if (!doc || *one != *doc) others.push_back(one);
  }
  return others;
}

std::vector<const Json*> ShotSampler::sample(int64_t count, const Json& doc) {
  const Json* excluded = same_split_ ? &doc : nullptr;
  const auto drawn_from = [&](const std::vector<const Json*>& pool, int64_t wanted) {
    if (wanted > std::ssize(pool)) {
      throw UserError(str(config_.where(), ": ", count, " examples wanted, but only ", pool.size(),
                          " documents to draw them from"));
    }
    std::vector<const Json*> drawn;
    for (const auto index : random_.sample(std::ssize(pool), wanted))
      drawn.push_back(pool[static_cast<size_t>(index)]);
    return drawn;
  };
  std::vector<const Json*> shots;
  if (config_.sampler == "first_n") {
    shots = without(excluded, docs_);
    if (std::ssize(shots) < count) drawn_from(shots, count);  // says so
  } else if (!excluded) {
    return drawn_from(docs_, count);
  } else {
    shots = without(excluded, drawn_from(docs_, count + 1));
    if (std::ssize(shots) < count) shots = drawn_from(without(excluded, docs_), count);
  }
  shots.resize(static_cast<size_t>(count));
  return shots;
}

}  // namespace tunewright::eval

#include "tunewright/eval/lm_eval_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"

namespace tunewright::eval {
namespace {

constexpr std::array kOutputNames = {
    std::pair{"multiple_choice", LmEvalOutput::kMultipleChoice},
    std::pair{"loglikelihood", LmEvalOutput::kLoglikelihood},
    std::pair{"loglikelihood_rolling", LmEvalOutput::kLoglikelihoodRolling},
    std::pair{"generate_until", LmEvalOutput::kGenerateUntil}};

// Keys that change nothing here.
const std::set<std::string> kIgnored = {"task_alias",           "tag",
                                        "dataset_name",         "metadata",
                                        "should_decontaminate", "doc_to_decontamination_query",
                                        "group_alias"};

// Keys of tasks that need more than a file can say.
const std::vector<std::pair<std::string, std::string>> kRefused = {
    {"class", "a task written in Python"},    {"custom_dataset", "a data set made by Python"},
    {"doc_to_image", "a task with images"},   {"doc_to_audio", "a task with sound"},
    {"unsafe_code", "a task that runs code"}, {"use_prompt", "a prompt of promptsource"}};

[[noreturn]] void fail(const fs::path& file, std::string_view key, std::string_view message) {
  throw UserError(str(file.string(), ": ", key, ": ", message));
}

std::string text_of(const Json& value, const fs::path& file, std::string_view key) {
  if (!value.is_string()) fail(file, key, str("expected text, got ", excerpt(dump_json(value))));
  return value.get<std::string>();
}

int64_t count_of(const Json& value, const fs::path& file, std::string_view key) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0)
    fail(file, key, str("expected a whole number, got ", excerpt(dump_json(value))));
  return value.get<int64_t>();
}

// Functions are named as they stand beside the file that names them, whoever includes it.
void add_folder(Json& value, const fs::path& folder) {
  constexpr std::string_view mark = "!function ";
  if (value.is_structured()) {
    for (auto& one : value) add_folder(one, folder);
  } else if (value.is_string() && value.get_ref<const std::string&>().starts_with(mark)) {
    const auto name = std::string(
        trim(std::string_view(value.get_ref<const std::string&>()).substr(mark.size())));
    value = str(mark, (fs::absolute(folder) / name).string());
  }
}

// The keys of a YAML file over those of what it includes.
Json read_merged(const fs::path& file, std::set<fs::path>& seen) {
  if (!seen.insert(fs::weakly_canonical(file)).second)
    fail(file, "include", "the files include each other in a circle");
  Json own = read_yaml(file);
  if (!own.is_object())
    throw UserError(str(file.string(), ": expected keys and values, got a ", type_name(own)));
  add_folder(own, file.parent_path());
  const auto it = own.find("include");
  if (it == own.end()) return own;
  const Json includes = it->is_array() ? *it : Json::array({*it});
  own.erase("include");
  Json merged = Json::object();
  for (const auto& one : includes) {
    Json included = read_merged(file.parent_path() / text_of(one, file, "include"), seen);
    included.erase("task_list");
    merged.update(included);
  }
  merged.update(own);
  return merged;
}

Json read_merged(const fs::path& file) {
  std::set<fs::path> seen;
  return read_merged(file, seen);
}

// Takes the keys one by one; what is left at the end is unknown.
class Keys {
 public:
  Keys(const fs::path& file, const Json& object) : file_(file), object_(object) {}

  // The value of a key; null where it is missing.
  Json take(const char* key) {
    known_.emplace_back(key);
    const auto it = object_.find(key);
    return it == object_.end() ? Json() : *it;
  }
  template <class Use>
  void with(const char* key, const Use& use) {
    if (const Json value = take(key); !value.is_null()) use(value);
  }
  void text(const char* key, std::string& out) {
    with(key, [&](const Json& value) { out = text_of(value, file_, key); });
  }
  void text(const char* key, std::optional<std::string>& out) {
    with(key, [&](const Json& value) { out = text_of(value, file_, key); });
  }
  void count(const char* key, int64_t& out) {
    with(key, [&](const Json& value) { out = count_of(value, file_, key); });
  }
  void finish() const {
    for (const auto& [key, value] : object_.items()) {
      if (kIgnored.contains(key) || std::ranges::find(known_, key) != known_.end()) continue;
      fail(file_, key, str("unknown key", suggestion(key, known_)));
    }
  }

 private:
  const fs::path& file_;
  const Json& object_;
  std::vector<std::string> known_;
};

void refuse_what_is_python(const fs::path& file, const Json& object) {
  for (const auto& [key, what] : kRefused) {
    const auto it = object.find(key);
    if (it == object.end() || it->is_null() || *it == false) continue;
    fail(file, key,
         str("this is ", what, ", which is not supported; run it in lm-evaluation-harness"));
  }
}

LmEvalFields read_fields(Keys& keys, LmEvalFields fields) {
  const auto field = [&](const char* key, Json& out) {
    keys.with(key, [&](const Json& value) { out = value; });
  };
  field("doc_to_text", fields.doc_to_text);
  field("doc_to_target", fields.doc_to_target);
  field("doc_to_choice", fields.doc_to_choice);
  keys.text("target_delimiter", fields.target_delimiter);
  keys.text("fewshot_delimiter", fields.fewshot_delimiter);
  keys.text("gen_prefix", fields.gen_prefix);
  return fields;
}

void read_fewshot(LmEvalConfig& config, const Json& value) {
  Keys keys(config.file, value);
  config.fewshot_fields = read_fields(keys, config.fields);
  keys.text("sampler", config.sampler);
  if (config.sampler != "default" && config.sampler != "first_n") {
    fail(config.file, "fewshot_config.sampler",
         str("'", config.sampler, "' is not supported; there are default and first_n"));
  }
  keys.text("split", config.fewshot_split);
  keys.with("fewshot_indices", [&](const Json& list) {
    for (const auto& one : list)
      config.fewshot_indices.push_back(
          count_of(one, config.file, "fewshot_config.fewshot_indices"));
  });
  keys.with("samples", [&](const Json& samples) {
    if (!samples.is_array())
      fail(config.file, "fewshot_config.samples", "expected a list of documents, not Python");
    config.fewshot_samples = samples;
  });
  keys.with("process_docs", [&](const Json&) {
    fail(config.file, "fewshot_config.process_docs", "Python is not run here");
  });
  keys.finish();
}

std::vector<std::string> texts_of(const Json& value, const fs::path& file, const char* key) {
  std::vector<std::string> texts;
  for (const auto& one : value.is_array() ? value : Json::array({value}))
    texts.push_back(text_of(one, file, key));
  return texts;
}

void read_generation(LmEvalConfig& config, const Json& value) {
  config.until = {config.fields.fewshot_delimiter};
  if (value.is_null()) return;
  Keys keys(config.file, value);
  keys.with("until", [&](const Json& until) {
    config.until = texts_of(until, config.file, "generation_kwargs.until");
  });
  for (const char* key : {"max_completion_tokens", "max_tokens", "max_new_tokens", "max_gen_toks"})
    keys.count(key, config.max_gen_toks);  // the last of them wins
  const Json sampled = keys.take("do_sample"), temperature = keys.take("temperature");
  const bool cold = temperature.is_null() || temperature == 0;
  if (sampled == true || (sampled.is_null() && !cold)) {
    fail(config.file, "generation_kwargs",
         "drawn answers are not supported: what they are worth depends on chance; set do_sample: "
         "false");
  }
  for (const char* key : {"top_p", "top_k"}) keys.take(key);  // mean nothing where nothing is drawn
  keys.finish();
}

std::vector<LmEvalPipeline> read_filters(const LmEvalConfig& config, const Json& list) {
  if (list.is_null()) return {{.name = "none", .filters = {{.function = "take_first"}}}};
  std::vector<LmEvalPipeline> pipelines;
  for (const auto& entry : list) {
    Keys keys(config.file, entry);
    LmEvalPipeline pipeline;
    keys.text("name", pipeline.name);
    keys.with("filter", [&](const Json& steps) {
      for (const auto& step : steps) {
        LmEvalFilter filter;
        for (const auto& [key, value] : step.items()) {
          if (key == "function") {
            filter.function = text_of(value, config.file, "filter_list.function");
          } else {
            filter.options[key] = value;
          }
        }
        pipeline.filters.push_back(std::move(filter));
      }
    });
    keys.finish();
    pipelines.push_back(std::move(pipeline));
  }
  return pipelines;
}

std::vector<LmEvalMetric> default_metrics(LmEvalOutput output) {
  switch (output) {
    case LmEvalOutput::kMultipleChoice:
      return {{.name = "acc"}, {.name = "acc_norm"}};
    case LmEvalOutput::kLoglikelihood:
      return {{.name = "perplexity"}, {.name = "acc"}};
    case LmEvalOutput::kLoglikelihoodRolling:
      return {{.name = "word_perplexity"}, {.name = "byte_perplexity"}, {.name = "bits_per_byte"}};
    case LmEvalOutput::kGenerateUntil:
      return {{.name = "exact_match"}};
  }
  return {};
}

std::vector<LmEvalMetric> read_metrics(const LmEvalConfig& config, const Json& list) {
  if (list.is_null()) return default_metrics(config.output);
  std::vector<LmEvalMetric> metrics;
  for (const auto& entry : list) {
    LmEvalMetric metric;
    for (const auto& [key, value] : entry.items()) {
      if (key == "metric") {
        metric.name = text_of(value, config.file, "metric_list.metric");
      } else if (key == "aggregation") {
        metric.aggregation = text_of(value, config.file, "metric_list.aggregation");
      } else if (key == "higher_is_better") {
        metric.higher_is_better = value == true;
      } else if (key == "hf_evaluate" && value == true) {
        fail(config.file, "metric_list.hf_evaluate",
             "metrics of the evaluate package are not supported");
      } else if (key != "hf_evaluate") {
        metric.options[key] = value;
      }
    }
    if (metric.name.empty()) fail(config.file, "metric_list", "an entry has no 'metric'");
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

LmEvalOutput output_of(const std::string& name, const fs::path& file) {
  std::vector<std::string> names;
  for (const auto& [word, output] : kOutputNames) {
    if (name == word) return output;
    names.emplace_back(word);
  }
  fail(file, "output_type", str("'", name, "' is not supported", suggestion(name, names)));
}

void read_data(LmEvalConfig& config, Keys& keys) {
  keys.text("dataset_path", config.dataset_path);
  keys.with("dataset_kwargs", [&](const Json& value) {
    Keys options(config.file, value);
    config.data_files = options.take("data_files");
    options.take("trust_remote_code");  // nothing remote is run
    options.finish();
  });
  keys.text("training_split", config.training_split);
  keys.text("validation_split", config.validation_split);
  keys.text("test_split", config.test_split);
  keys.text("fewshot_split", config.fewshot_split);
}

LmEvalConfig read_config(const fs::path& file, const Json& object) {
  refuse_what_is_python(file, object);
  LmEvalConfig config{.file = file};
  Keys keys(file, object);
  for (const auto& [key, what] : kRefused) keys.take(key.c_str());
  keys.text("task", config.task);
  if (config.task.empty()) config.task = file.stem().string();
  std::string output = "generate_until";
  keys.text("output_type", output);
  config.output = output_of(output, file);
  config.fields = read_fields(keys, {});
  keys.text("description", config.description);
  config.process_docs = keys.take("process_docs");
  config.process_results = keys.take("process_results");
  read_data(config, keys);
  keys.count("num_fewshot", config.num_fewshot);
  const Json fewshot = keys.take("fewshot_config");
  read_fewshot(config, fewshot.is_null() ? Json::object() : fewshot);
  read_generation(config, keys.take("generation_kwargs"));
  keys.with("repeats", [&](const Json& repeats) {
    if (repeats != 1) fail(file, "repeats", "only 1 is supported");
  });
  config.pipelines = read_filters(config, keys.take("filter_list"));
  config.metrics = read_metrics(config, keys.take("metric_list"));
  keys.finish();
  if (!config.test_split && !config.validation_split)
    fail(file, "test_split", "neither test_split nor validation_split is given");
  return config;
}

// --- groups

// The file beside `folder`'s that defines the task `name`.
fs::path find_task(const fs::path& folder, const std::string& name, const fs::path& asking) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const Json object = read_yaml(file);
    if (object.is_object() &&
        (object.value("task", Json()) == name || object.value("group", Json()) == name))
      return file;
  }
  fail(asking, "task",
       str("no file in ", folder.string(), " defines a task of the name '", name, "'"));
}

void add_tasks(LmEvalGroup& group, const fs::path& file, const Json& object, int depth) {
  if (depth > 8) fail(file, "task", "groups are nested deeper than 8 levels");
  if (!object.contains("group")) {
    group.tasks.push_back(read_config(file, object));
    return;
  }
  const auto it = object.find("task");
  if (it == object.end() || !(it->is_array() || it->is_string()))
    fail(file, "task", "a group lists its tasks here");
  for (const auto& one : it->is_array() ? *it : Json::array({*it})) {
    if (!one.is_string()) {
      fail(file, "task",
           str("expected the names of tasks, got ", excerpt(dump_json(one)),
               "; give each task a file of its own"));
    }
    const auto found = find_task(file.parent_path(), one.get<std::string>(), file);
    if (fs::equivalent(found, file)) fail(file, "task", "the group lists itself");
    add_tasks(group, found, read_merged(found), depth + 1);
  }
}

}  // namespace

const std::string& LmEvalConfig::evaluated_split() const {
  return test_split ? *test_split : *validation_split;
}

LmEvalGroup read_lm_eval(const fs::path& file) {
  const Json object = read_merged(file);
  LmEvalGroup group;
  if (const auto it = object.find("group"); it != object.end())
    group.name = text_of(*it, file, "group");
  for (const auto& aggregate : object.value("aggregate_metric_list", Json::array()))
    group.weight_by_size &= aggregate.value("weight_by_size", true);
  add_tasks(group, file, object, 0);
  return group;
}

}  // namespace tunewright::eval

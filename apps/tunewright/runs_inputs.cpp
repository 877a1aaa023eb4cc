#include "tunewright/runs_inputs.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "tunewright/base/files.h"
#include "tunewright/base/yaml.h"
#include "tunewright/eval/lm_eval_config.h"
#include "tunewright/observe/audit/approval.h"

namespace tunewright::app {
namespace {

Json as_list(const Json& value) {
  if (value.is_null()) return Json::array();
  return value.is_array() ? value : Json::array({value});
}

// As lm_eval finds files: from the current folder, or else from the task file's.
fs::path located(const std::string& name, const fs::path& folder) {
  return name.empty() || fs::exists(name) ? fs::path(name) : folder / name;
}

class Inputs {
 public:
  // A file that was added before keeps its first place.
  void add(const fs::path& file, const std::string& role) {
    if (file.empty() || !seen_.emplace(file.string(), role).second) return;
    std::ranges::move(observe::artefacts_of({file}, role), std::back_inserter(found_));
  }
  void add_weights(const Json& model, const std::string& role) {
    const auto folder = model.is_object() ? judged_folder(model) : "";
    if (folder.empty()) return;  // a judge behind an endpoint
    for (const auto& file : observe::weight_files(folder)) add(file, role);
  }
  std::vector<observe::Artefact> take() { return std::move(found_); }

 private:
  std::set<std::pair<std::string, std::string>> seen_;
  std::vector<observe::Artefact> found_;
};

// A task file and the files that it includes.
void add_task_file(const fs::path& file, Inputs& inputs, std::set<fs::path>& seen) {
  if (!seen.insert(file).second) return;
  inputs.add(file, "task");
  for (const auto& one : as_list(read_yaml(file).value("include", Json())))
    add_task_file(file.parent_path() / one.get<std::string>(), inputs, seen);
}

// Local files of a task file's data_files; `read_elsewhere`: the split whose file `data` replaces.
void add_data_files(const eval::LmEvalConfig& config, const std::string& read_elsewhere,
                    Inputs& inputs) {
  const auto splits =
      config.data_files.is_object() ? config.data_files : Json{{"train", config.data_files}};
  for (const auto& [split, names] : splits.items()) {
    if (split == read_elsewhere) continue;
    for (const auto& one : as_list(names))
      inputs.add(located(one.get<std::string>(), config.file.parent_path()), "data");
  }
}

void add_lm_eval(const Json& options, Inputs& inputs) {
  const fs::path file = options.value("task", "");
  const bool is_replaced = !options.value("data", "").empty();
  std::set<fs::path> seen;
  add_task_file(file, inputs, seen);
  for (const auto& config : eval::read_lm_eval(file).tasks) {
    add_task_file(config.file, inputs, seen);
    add_data_files(config, is_replaced ? config.evaluated_split() : "", inputs);
  }
}

}  // namespace

std::string judged_folder(const Json& model) {
  const auto adapter = model.value("adapter", Json());
  return adapter.is_string() ? adapter.get<std::string>() : model.value("path", "");
}

std::vector<observe::Artefact> evaluation_inputs(const Json& report) {
  Inputs inputs;
  inputs.add_weights(report.value("model", Json()), "model");
  inputs.add_weights(report.value("baseline", Json()), "baseline");
  for (const auto& task : report.value("tasks", Json::array())) {
    const auto options = task.value("options", Json::object());
    const auto folder = fs::path(options.value("task", "")).parent_path();
    for (const auto* role : {"data", "fewshot_data", "swaps"})
      inputs.add(located(options.value(role, ""), folder), role);
    if (options.value("type", "") == "lm_eval") add_lm_eval(options, inputs);
  }
  const auto judge = report.value("config", Json::object()).value("judge", Json());
  if (judge.is_object()) {
    inputs.add(judge.value("human", ""), "human");
    inputs.add_weights(judge, "judge");
    inputs.add_weights(judge.value("second", Json()), "judge");
  }
  return inputs.take();
}

}  // namespace tunewright::app

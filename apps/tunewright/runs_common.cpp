#include "tunewright/runs_common.h"

#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/run.h"
#include "tunewright/runs_inputs.h"

namespace tunewright::app {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The trail of the run that holds `model`; beside `out` where it is not in a run.
observe::AuditTrail trail_for(const fs::path& model, const fs::path& out) {
  const auto run = observe::run_of(model);
  return observe::AuditTrail::beside(observe::RunFolder::holds_run(run) ? run : out);
}

// What the trail calls the subject of an event about `model`: its run, where it has one.
fs::path subject_of(const fs::path& model) { return observe::run_of(model); }

// `key` of every figure of a report, by "task.metric".
Json of_figures(const Json& report, const char* key) {
  Json figures = Json::object();
  for (const auto& task : report.value("tasks", Json::array())) {
    const auto metrics = task.value("metrics", Json::object());
    for (const auto& [name, metric] : metrics.items()) {
      if (metric.is_object() && metric.contains(key))
        figures[str(task.value("name", ""), ".", name)] = metric[key];
    }
  }
  return figures;
}

}  // namespace

fs::path find_run(const fs::path& root, const std::string& name) {
  const auto holds = [](const fs::path& path) {
    return fs::is_directory(path) && observe::RunFolder::holds_run(path);
  };
  for (const auto& path : {fs::path(name), root / name}) {
    if (holds(path)) return path;
    if (fs::is_directory(path)) {
      if (const auto run = observe::run_of(path); holds(run)) return run;
    }
  }
  std::vector<std::string> names;
  for (const auto& folder : observe::find_run_folders(root))
    names.push_back(folder.lexically_proximate(root).generic_string());
  if (names.empty())
    throw UserError(str(name, ": is no run, and ", root.string(),
                        " holds none; --root names the folder of the runs"));
  throw UserError(str(name, ": is no run of ", root.string(), suggestion(name, names)));
}

observe::RunRecord record_of(const fs::path& root, const fs::path& run) {
  const auto relative = fs::absolute(run).lexically_normal().lexically_relative(
      fs::absolute(root).lexically_normal());
  const bool is_below = !relative.empty() && *relative.begin() != "..";
  auto full = fs::absolute(run).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  std::vector runs = {observe::read_run(
      is_below ? fs::absolute(root).lexically_normal() : full.parent_path(), full)};
  observe::add_audit_facts(runs, observe::AuditTrail::beside(full));
  return runs.front();
}

std::string actor() {
  std::string user = from_environment("USER");
  if (const auto* entry = ::getpwuid(::getuid()); user.empty() && entry) user = entry->pw_name;
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  return str(user.empty() ? std::to_string(::getuid()) : user, "@", host);
}

observe::TrackingOptions with_environment(observe::TrackingOptions options) {
  if (options.mlflow_uri.empty()) options.mlflow_uri = from_environment("MLFLOW_TRACKING_URI");
  options.mlflow_token = from_environment("MLFLOW_TRACKING_TOKEN");
  return options;
}

void record_evaluation(const fs::path& output_dir) {
  const auto report = read_json(output_dir / "report.json");
  const fs::path judged = judged_folder(report.value("model", Json::object()));
  const auto inputs = evaluation_inputs(report);
  std::vector<observe::Artefact> weights;
  std::ranges::copy_if(inputs, std::back_inserter(weights),
                       [](const observe::Artefact& input) { return input.role == "model"; });
  const auto trail = trail_for(judged, output_dir);
  const auto gates = report.value("gates", Json::array());
  const bool has_gates = gates.is_array() && !gates.empty();
  trail.append({.actor = actor(),
                .event = "evaluated",
                .subject = subject_of(judged),
                .inputs = inputs,
                .artefacts = observe::artefacts_of(
                    {output_dir / "report.json", output_dir / "report.html",
                     output_dir / "report.md", output_dir / "predictions.jsonl"}),
                .details = {{"out", trail.name_of(output_dir)},
                            {"metrics", of_figures(report, "value")},
                            {"lower_is_better", of_figures(report, "lower_is_better")},
                            {"passed", has_gates ? report.value("passed", Json()) : Json()}}});
  for (const auto& gate : has_gates ? gates : Json::array()) {
    trail.append({.actor = actor(),
                  .event = "gate",
                  .subject = subject_of(judged),
                  .inputs = weights,
                  .details = gate});
  }
}

void record_merge(const std::string& adapter, const fs::path& out) {
  const auto trail = trail_for(adapter, out);
  trail.append({.actor = actor(),
                .event = "merged",
                .subject = subject_of(adapter),
                .inputs = observe::artefacts_of(observe::weight_files(adapter)),
                .artefacts = observe::artefacts_of({out}),
                .details = {{"out", trail.name_of(out)}}});
}

int terminal_width() {
  constexpr int kUsual = 80;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return size.ws_col;
}

bool terminal_has_colours() {
  return ::isatty(STDOUT_FILENO) != 0 && from_environment("NO_COLOR").empty();
}

}  // namespace tunewright::app

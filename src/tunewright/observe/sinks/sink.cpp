#include "tunewright/observe/sinks/sink.h"

#include <chrono>
#include <cmath>
#include <ctime>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

// "2026-11-22T17:03:11Z"; 0 where it is not one.
double parse_utc(const std::string& text) {
  std::tm parts{};
  if (::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr) return 0;
  return static_cast<double>(::timegm(&parts));
}

}  // namespace

std::unique_ptr<MetricSink> make_sink(std::string_view name, const TrackingOptions& options) {
  const std::vector<std::string> known = {"tensorboard", "mlflow", "wandb"};
  if (name == "tensorboard") return make_tensorboard_sink();
  if (name == "wandb") return make_wandb_sink(options);
  if (name == "mlflow") {
    if (options.mlflow_uri.empty()) {
      throw UserError(
          "mlflow: the address of the server is missing; set tracking.mlflow_uri, or "
          "MLFLOW_TRACKING_URI, as in http://127.0.0.1:5000");
    }
    return make_mlflow_sink(options);
  }
  throw UserError(str("'", name, "' is no place that metrics go to", suggestion(name, known)));
}

std::vector<std::pair<std::string, double>> numbers_of(const Json& line) {
  std::vector<std::pair<std::string, double>> numbers;
  for (const auto& [key, value] : line.items()) {
    if (key != "step" && value.is_number() && std::isfinite(value.get<double>()))
      numbers.emplace_back(key, value.get<double>());
  }
  return numbers;
}

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

TrackedRun tracked_run(const fs::path& folder) {
  const auto file = folder / "config.yaml";
  if (!fs::exists(file))
    throw UserError(str(folder.string(), ": holds no run: config.yaml is missing"));
  auto full = fs::absolute(folder).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  TrackedRun run{.folder = full, .name = full.filename().string(), .config = read_yaml(file)};
  if (fs::exists(folder / "manifest.json")) run.manifest = read_json(folder / "manifest.json");
  run.started = parse_utc(run.manifest.value("started", ""));
  return run;
}

std::vector<TimedLine> timed_lines(const TrackedRun& run, const std::vector<Json>& lines) {
  std::vector<TimedLine> timed;
  double time = run.started;
  for (const auto& line : lines) {
    time += line.value("step_seconds", 0.0);
    timed.push_back({line, time});
  }
  return timed;
}

}  // namespace tunewright::observe

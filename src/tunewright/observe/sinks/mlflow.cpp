// MLflow's REST interface (2.0): experiment, run, parameters, batches of metrics, artefacts.
#include <algorithm>
#include <utility>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/catalogue/catalogue.h"
#include "tunewright/observe/sinks/rest.h"
#include "tunewright/observe/sinks/sink.h"

namespace tunewright::observe {
namespace {

// The server's limits of one batch.
constexpr size_t kMostMetrics = 1000, kMostParameters = 100, kLongestParameter = 6000;
constexpr const char* kApi = "/api/2.0/mlflow/";
constexpr const char* kArtefacts = "/api/2.0/mlflow-artifacts/artifacts";
// How the address of artefacts begins.
constexpr std::string_view kProxy = "mlflow-artifacts:", kFile = "file://";

int64_t milliseconds(double seconds) { return static_cast<int64_t>(seconds * 1000); }

const char* status_name(RunEnd::Status status) {
  switch (status) {
    case RunEnd::Status::kFinished:
      return "FINISHED";
    case RunEnd::Status::kInterrupted:
      return "KILLED";
    case RunEnd::Status::kFailed:
      return "FAILED";
  }
  return "FAILED";
}

class MlflowSink : public MetricSink {
 public:
  explicit MlflowSink(const TrackingOptions& options)
      : options_(options), client_(options.mlflow_uri, options.mlflow_token) {}

  std::string_view name() const override { return "mlflow"; }
  bool can_retry() const override { return true; }

  void begin(const TrackedRun& run) override {
    run_ = run;
    if (run_id_.empty()) create_run();
    if (!parameters_are_logged_) log_parameters();
    parameters_are_logged_ = true;
    forget_earlier_run();
  }

  // What the server took stays taken: after a failure the caller gives the same lines again, and
  // those are left out that are there.
  void write(std::span<const TimedLine> lines) override {
    Json batch = Json::array();
    size_t taken = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto& [metrics, time] = lines[i];
      if (i >= lines_sent_) {
        for (const auto& [key, value] : numbers_of(metrics)) {
          batch.push_back({{"key", key},
                           {"value", value},
                           {"timestamp", milliseconds(time)},
                           {"step", metrics.value("step", int64_t{0})}});
        }
      }
      taken = i + 1;
      constexpr size_t kMostOfALine = 50;
      if (batch.size() + kMostOfALine > kMostMetrics || taken == lines.size()) {
        if (!batch.empty()) post("runs/log-batch", {{"run_id", run_id_}, {"metrics", batch}});
        lines_sent_ = std::max(lines_sent_, taken);
        batch = Json::array();
      }
    }
    lines_sent_ = 0;  // the next call brings others
  }

  void end(const RunEnd& end) override {
    store_files();
    post("runs/update", {{"run_id", run_id_},
                         {"status", status_name(end.status)},
                         {"end_time", milliseconds(end.time)}});
  }

  std::vector<std::string> take_remarks() override { return std::exchange(remarks_, {}); }

 private:
  Json post(const std::string& call, const Json& body) const {
    return client_.post(kApi + call, body);
  }

  std::string experiment() const {
    const auto name = replace_all(options_.project, "'", "\\'");
    const auto found =
        post("experiments/search", {{"filter", str("name = '", name, "'")}, {"max_results", 1}});
    if (found.contains("experiments") && !found["experiments"].empty())
      return found["experiments"][0].at("experiment_id").get<std::string>();
    return post("experiments/create", {{"name", options_.project}})
        .at("experiment_id")
        .get<std::string>();
  }

  void create_run() {
    Json tags = Json::array();
    const auto tag = [&](const char* key, const std::string& value) {
      tags.push_back({{"key", key}, {"value", value}});
    };
    tag("mlflow.source.name", "tunewright");
    tag("tunewright.folder", run_.folder.string());
    const auto& manifest = flatten(run_.manifest);
    for (const auto* key : {"config_sha256", "data.train_sha256", "base_model.fingerprint_sha256",
                            "program_sha256"}) {
      if (manifest.contains(key)) tag(str("tunewright.", key).c_str(), fact_text(manifest[key]));
    }
    const auto created = post("runs/create", {{"experiment_id", experiment()},
                                              {"run_name", run_.name},
                                              {"start_time", milliseconds(run_.started)},
                                              {"tags", tags}});
    const auto& info = created.at("run").at("info");
    run_id_ = info.at("run_id").get<std::string>();
    artefacts_ = info.value("artifact_uri", "");
  }

  void log_parameters() const {
    Json batch = Json::array();
    const auto send = [&] {
      if (!batch.empty()) post("runs/log-batch", {{"run_id", run_id_}, {"params", batch}});
      batch = Json::array();
    };
    for (const auto& [key, value] : flat_items(run_.config)) {
      auto text = value.is_string() ? value.get<std::string>() : dump_json(value);
      text.resize(std::min(text.size(), kLongestParameter));
      batch.push_back({{"key", key}, {"value", text}});
      if (batch.size() == kMostParameters) send();
    }
    send();
  }

  // A run that an earlier session began, or an export: its lines come again under this one.
  // It is marked as deleted, from which MLflow can bring it back.
  void forget_earlier_run() {
    const auto file = run_.folder / "tracking.json";
    auto notes = fs::exists(file) ? read_json(file) : Json::object();
    const auto earlier = notes.value("mlflow", Json::object());
    if (earlier.value("uri", "") == options_.mlflow_uri && earlier.value("run_id", "") != run_id_) {
      try {
        post("runs/delete", {{"run_id", earlier.value("run_id", "")}});
      } catch (const UserError&) {
        // it is gone already
      }
    }
    notes["mlflow"] = {{"uri", options_.mlflow_uri}, {"run_id", run_id_}};
    write_file_atomic(file, pretty_json(notes));
  }

  bool can_store() const {
    const bool is_path = artefacts_.find(':') > artefacts_.find('/');  // no "s3:", no "dbfs:"
    return artefacts_.starts_with(kProxy) || artefacts_.starts_with(kFile) || is_path;
  }

  void store_files() {
    if (!can_store()) {
      remarks_ = {str("the run's files are not passed on: the server keeps them in ", artefacts_,
                      ", which needs a client of its own; with `mlflow server --serve-artifacts` "
                      "they go through the server")};
      return;
    }
    for (const auto* name : {"config.yaml", "manifest.json", "metrics.jsonl", "report.json",
                             "report.html", "README.md"}) {
      const auto file = run_.folder / name;
      if (fs::exists(file)) store(file);
    }
  }

  // Where the server says that artefacts go: through itself, or into a folder.
  void store(const fs::path& file) const {
    const auto name = file.filename().string();
    if (artefacts_.starts_with(kProxy)) {
      auto path = artefacts_.substr(kProxy.size());
      // "mlflow-artifacts://host/1/…" and "mlflow-artifacts:/1/…"
      if (path.starts_with("//")) path = path.substr(std::min(path.find('/', 2), path.size()));
      client_.put_file(str(kArtefacts, path, "/", name), file);
      return;
    }
    const fs::path folder(artefacts_.starts_with(kFile) ? artefacts_.substr(kFile.size())
                                                        : artefacts_);
    std::error_code code;
    fs::create_directories(folder, code);
    fs::copy_file(file, folder / name, fs::copy_options::overwrite_existing, code);
    if (code) throw UserError(str((folder / name).string(), ": cannot copy: ", code.message()));
  }

  TrackingOptions options_;
  RestClient client_;
  TrackedRun run_;
  std::string run_id_, artefacts_;
  std::vector<std::string> remarks_;
  bool parameters_are_logged_ = false;
  size_t lines_sent_ = 0;  // of the lines of a write() that failed
};

}  // namespace

std::unique_ptr<MetricSink> make_mlflow_sink(const TrackingOptions& options) {
  return std::make_unique<MlflowSink>(options);
}

}  // namespace tunewright::observe

#include "tunewright/runs_tracking.h"

#include <exception>
#include <string>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/runs_common.h"

namespace tunewright::app {
namespace {

std::vector<observe::Artefact> inputs_of(const Json& manifest) {
  std::vector<observe::Artefact> inputs;
  const auto data = manifest.value("data", Json::object());
  for (const auto& file : data.value("files", Json::array()))
    inputs.push_back({file["path"].get<std::string>(), file["sha256"].get<std::string>()});
  const auto start = manifest.value("adapter", Json());
  if (start.is_object())
    inputs.push_back({start["path"].get<std::string>(), start["sha256"].get<std::string>()});
  return inputs;
}

}  // namespace

RunRecorder::RunRecorder(const RunConfig& config, Reporter& reporter) : reporter_(reporter) {
  const auto options = with_environment(tracking_of(config.tracking));
  for (const auto& name : config.report_to) {
    if (name != "jsonl") sinks_.push_back(observe::make_sink(name, options));
  }
}

void RunRecorder::begin(observe::RunFolder& run, std::string_view mode) {
  run_ = &run;
  resumed_ = mode == "resume" && !run.checkpoints().empty();
  record("run_started", false, {{"mode", mode}});
  run.on_metrics([this](const Json& line) {
    energy_.sample();
    pass_on(line);
  });
}

// The first line finds metrics.jsonl cut back to where the run goes on.
void RunRecorder::pass_on(const Json& line) {
  if (!sinks_.empty()) {
    tracker_ = std::make_unique<observe::Tracker>(std::exchange(sinks_, {}),
                                                  observe::tracked_run(run_->path()),
                                                  run_->read_metrics(), reporter_);
  }
  if (tracker_ && !line.is_null()) tracker_->log(line);
}

Json RunRecorder::energy() const {
  const auto joules = energy_.joules();
  if (!joules) return nullptr;
  return {{"joules", *joules}, {"source", "processor packages (RAPL)"}, {"partial", resumed_}};
}

void RunRecorder::end_tracking(observe::RunEnd::Status status) {
  pass_on(nullptr);  // a run without lines is told of all the same
  if (tracker_) tracker_->finish(status);
  tracker_.reset();
}

void RunRecorder::finished() {
  end_tracking(observe::RunEnd::Status::kFinished);
  const auto report = read_json(run_->report_file());
  Json details = Json::object();
  for (const auto* key : {"outcome", "steps", "last_loss", "eval_loss"}) {
    if (report.contains(key)) details[key] = report[key];
  }
  record("run_finished", true, std::move(details));
}

void RunRecorder::interrupted(int64_t steps) {
  end_tracking(observe::RunEnd::Status::kInterrupted);
  record("run_interrupted", false, {{"steps", steps}});
}

void RunRecorder::failed(std::string_view what) {
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const std::exception& error) {
      reporter_.warn(str("while the failure was put on record: ", full_message(error)));
    }
  };
  attempt([&] { end_tracking(observe::RunEnd::Status::kFailed); });
  attempt([&] { record("run_failed", false, {{"message", excerpt(what, 500)}}); });
}

void RunRecorder::record(std::string_view event, bool with_artefacts, Json details) {
  const auto manifest = read_json(run_->manifest_file());
  for (const auto* key : {"config_sha256", "program_sha256"}) {
    if (manifest.contains(key)) details[key] = manifest[key];
  }
  const auto& run = *run_;
  const auto artefacts =
      with_artefacts
          ? observe::artefacts_of({run.config_file(), run.manifest_file(), run.metrics_file(),
                                   run.ledger_file(), run.report_file(), run.report_page(),
                                   run.card_file(), run.adapter_folder(), run.model_folder()})
          : std::vector<observe::Artefact>();
  observe::AuditTrail::beside(run.path())
      .append({.actor = actor(),
               .event = std::string(event),
               .subject = run.path(),
               .inputs = inputs_of(manifest),
               .artefacts = artefacts,
               .details = std::move(details)});
}

Json hashed_data_files(const RunConfig& config) {
  Json files = Json::array();
  const auto add = [&](const std::vector<data::FileOptions>& list, const char* role) {
    for (const auto& file : list) {
      files.push_back({{"path", file.path},
                       {"role", role},
                       {"bytes", fs::file_size(file.path)},
                       {"sha256", sha256_file(file.path)}});
    }
  };
  add(config.data.train, "train");
  add(config.data.eval, "eval");
  return files;
}

Json hashed_start(const RunConfig& config) {
  if (config.adapter.path.empty()) return nullptr;
  const auto weights = observe::weight_files(config.adapter.path);
  if (weights.empty()) return nullptr;
  return {{"path", weights.front().string()}, {"sha256", sha256_file(weights.front())}};
}

}  // namespace tunewright::app

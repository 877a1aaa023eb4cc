#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/observe/energy.h"
#include "tunewright/observe/run.h"
#include "tunewright/observe/sinks/tracker.h"
#include "tunewright/run_config.h"

namespace tunewright::app {

// What is told of a training run while it runs: its lines to the places of report_to, its beginning
// and end to the audit trail, its energy to the report.
class RunRecorder {
 public:
  // A name of report_to that cannot be served is a UserError.  The reporter is borrowed.
  RunRecorder(const RunConfig& config, Reporter& reporter);

  // `run` is borrowed until the end; its files are written.  `mode`: "new", "overwrite", "resume".
  void begin(observe::RunFolder& run, std::string_view mode);
  // report.json's "energy": null where no counter could be read.
  Json energy() const;

  void finished();
  void interrupted(int64_t steps);
  // What goes wrong here is a warning: the failure that is to be told of stays the first.
  void failed(std::string_view what);

 private:
  void pass_on(const Json& line);
  void end_tracking(observe::RunEnd::Status status);
  void record(std::string_view event, bool with_artefacts, Json details);

  Reporter& reporter_;
  observe::RunFolder* run_ = nullptr;
  std::vector<std::unique_ptr<observe::MetricSink>> sinks_;
  std::unique_ptr<observe::Tracker> tracker_;  // from the first line on
  observe::EnergyMeter energy_;
  bool resumed_ = false;
};

// Data files of a configuration with their hashes, as manifest.json has them.
Json hashed_data_files(const RunConfig& config);
// The adapter that a run starts from; null: none.
Json hashed_start(const RunConfig& config);

}  // namespace tunewright::app

#pragma once
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"

// Where metrics go beside metrics.jsonl, under the names that they have there.
namespace tunewright::observe {

struct TrackedRun {
  std::filesystem::path folder;
  std::string name;
  Json config = Json::object();
  Json manifest = Json::object();
  double started = 0;  // seconds since 1970
};

struct TimedLine {
  Json metrics;     // a line of metrics.jsonl
  double time = 0;  // seconds since 1970
};

struct RunEnd {
  enum class Status { kFinished, kInterrupted, kFailed };
  Status status = Status::kFinished;
  double time = 0;
};

// Called from one thread: begin(), write() any number of times, end().  What cannot be done is a
// UserError.
class MetricSink {
 public:
  virtual ~MetricSink() = default;
  virtual std::string_view name() const = 0;  // as in report_to
  // Lines that follow begin at step 1 again: what an earlier session of this run left is replaced.
  virtual void begin(const TrackedRun& run) = 0;
  virtual void write(std::span<const TimedLine> lines) = 0;
  virtual void end(const RunEnd& end) = 0;
  // Whether begin() and write() may be tried again after they failed: nothing half-written is left.
  virtual bool can_retry() const { return false; }
  // What was left out since the last call though nothing failed, for a person.
  virtual std::vector<std::string> take_remarks() { return {}; }
};

struct TrackingOptions {
  std::string project = "tunewright";  // Experiment in MLflow, project in Weights & Biases.
  std::string mlflow_uri;              // "http://127.0.0.1:5000"; empty: MLFLOW_TRACKING_URI.
  std::string mlflow_token;            // Bearer token; never written to a file.
};

// "tensorboard", "mlflow" or "wandb"; another name, and mlflow without an address, are UserErrors.
std::unique_ptr<MetricSink> make_sink(std::string_view name, const TrackingOptions& options);

std::unique_ptr<MetricSink> make_tensorboard_sink();
std::unique_ptr<MetricSink> make_mlflow_sink(const TrackingOptions& options);
std::unique_ptr<MetricSink> make_wandb_sink(const TrackingOptions& options);

// Of a line: the metrics that are numbers, without "step".
std::vector<std::pair<std::string, double>> numbers_of(const Json& line);
// What a run folder says of itself; a run without a configuration is a UserError.
TrackedRun tracked_run(const std::filesystem::path& folder);
// The lines of a run with times: from its start on, the seconds of its steps.
std::vector<TimedLine> timed_lines(const TrackedRun& run, const std::vector<Json>& lines);
double unix_seconds();

}  // namespace tunewright::observe

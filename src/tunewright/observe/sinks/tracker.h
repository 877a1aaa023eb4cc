#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/observe/sinks/sink.h"

namespace tunewright::observe {

// For each sink: what is logged while so many lines wait for its server is left out, with a
// warning.
inline constexpr size_t kMostWaitingLines = 200'000;

// Passes a run's lines on to sinks, each on its own thread: log() copies the line and returns.  A
// sink that fails is named in a warning, once, with the way to make up for it later; training never
// waits for one or fails with it.
class Tracker {
 public:
  // `earlier`: lines of metrics.jsonl that a resumed run keeps.  The reporter is borrowed, and used
  // on the caller's thread alone.
  Tracker(std::vector<std::unique_ptr<MetricSink>> sinks, TrackedRun run,
          const std::vector<Json>& earlier, Reporter& reporter);
  ~Tracker();  // as finish() with kFailed, where it was not called

  void log(const Json& line);
  // Passes on what is left, with a last try; a server that does not answer costs some seconds.
  void finish(RunEnd::Status status);

 private:
  class Worker;
  void pass_warnings_on();
  std::vector<std::unique_ptr<Worker>> workers_;
  Reporter& reporter_;
};

// Tells a sink all of a run that is over, on this thread; throws where that fails.
void export_run(MetricSink& sink, const std::filesystem::path& folder, Reporter& reporter);

}  // namespace tunewright::observe

#include "tunewright/observe/sinks/tracker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

constexpr auto kPause = std::chrono::milliseconds(500);  // between batches
constexpr double kFirstWait = 2, kLongestWait = 60;      // seconds, after a failure

}  // namespace

class Tracker::Worker {
 public:
  Worker(std::unique_ptr<MetricSink> sink, TrackedRun run, std::vector<TimedLine> earlier)
      : sink_(std::move(sink)),
        run_(std::move(run)),
        queue_(std::move(earlier)),
        most_(queue_.size() + kMostWaitingLines),
        thread_([this] { work(); }) {}

  void add(const TimedLine& line) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + held_ < most_) {
      queue_.push_back(line);
    } else if (!std::exchange(has_dropped_, true)) {
      warn(str(kMostWaitingLines,
               " lines wait for it, and those that follow are left out until it takes some; ",
               cure()));
    }
  }
  void finish(const RunEnd& end) {
    {
      const std::lock_guard lock(mutex_);
      end_ = end;
    }
    wake_.notify_one();
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  std::vector<std::string> take_warnings() {
    if (!has_warnings_.exchange(false)) return {};
    const std::lock_guard lock(mutex_);
    return std::exchange(warnings_, {});
  }

 private:
  void work() {
    for (;;) {
      std::optional<RunEnd> end;
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, kPause, [&] { return end_.has_value(); });
        end = end_;
        std::move(queue_.begin(), queue_.end(), std::back_inserter(waiting_));
        queue_.clear();
        if (given_up_) waiting_.clear();
        held_ = waiting_.size();
      }
      if (!given_up_ && (end || monotonic_seconds() >= next_try_)) attempt(end);
      if (end) return;
    }
  }

  void attempt(const std::optional<RunEnd>& end) {
    try {
      if (!begun_) sink_->begin(run_);
      begun_ = true;
      if (!waiting_.empty()) sink_->write(waiting_);
      waiting_.clear();
      {
        const std::lock_guard lock(mutex_);
        held_ = 0;
      }
      if (end) sink_->end(*end);
      for (const auto& remark : sink_->take_remarks()) {
        const std::lock_guard lock(mutex_);
        warn(remark);
      }
      wait_ = kFirstWait;
    } catch (const std::exception& error) {
      given_up_ = !sink_->can_retry();
      next_try_ = monotonic_seconds() + wait_;
      wait_ = std::min(2 * wait_, kLongestWait);
      warn_of_failure(full_message(error), end.has_value());
    }
  }

  // The first failure, and one at the end: what was cured in between is nobody's concern.
  void warn_of_failure(const std::string& what, bool last) {
    if (std::exchange(warned_, true) && !last) return;
    const std::lock_guard lock(mutex_);
    warn(str(what, "; ", last || given_up_ ? cure() : "training goes on, and it is tried again"));
  }

  std::string cure() const {
    return str("metrics.jsonl has everything, and `tunewright runs export --to ", sink_->name(),
               " ", run_.folder.string(), "` passes the run on later");
  }

  // Under the lock.
  void warn(const std::string& what) {
    warnings_.push_back(str("report_to: ", sink_->name(), ": ", what));
    has_warnings_ = true;
  }

  std::unique_ptr<MetricSink> sink_;
  TrackedRun run_;
  std::mutex mutex_;  // of what follows, down to the warnings
  std::condition_variable wake_;
  std::vector<TimedLine> queue_;
  size_t held_ = 0;  // in waiting_
  size_t most_;      // in both
  bool has_dropped_ = false;
  std::optional<RunEnd> end_;
  std::vector<std::string> warnings_;
  std::atomic<bool> has_warnings_ = false;
  // Of the thread alone:
  std::vector<TimedLine> waiting_;
  bool begun_ = false, given_up_ = false, warned_ = false;
  double next_try_ = 0, wait_ = kFirstWait;
  std::thread thread_;  // last: it uses all of the above
};

Tracker::Tracker(std::vector<std::unique_ptr<MetricSink>> sinks, TrackedRun run,
                 const std::vector<Json>& earlier, Reporter& reporter)
    : reporter_(reporter) {
  for (auto& sink : sinks)
    workers_.push_back(std::make_unique<Worker>(std::move(sink), run, timed_lines(run, earlier)));
}

Tracker::~Tracker() {
  try {
    finish(RunEnd::Status::kFailed);
  } catch (const std::exception&) {
    // a reporter that throws; nothing is left to tell
  }
}

void Tracker::log(const Json& line) {
  const TimedLine timed{.metrics = line, .time = unix_seconds()};
  for (const auto& worker : workers_) worker->add(timed);
  pass_warnings_on();
}

void Tracker::finish(RunEnd::Status status) {
  for (const auto& worker : workers_) worker->finish({.status = status, .time = unix_seconds()});
  for (const auto& worker : workers_) worker->join();
  pass_warnings_on();
  workers_.clear();
}

void Tracker::pass_warnings_on() {
  for (const auto& worker : workers_) {
    for (const auto& warning : worker->take_warnings()) reporter_.warn(warning);
  }
}

void export_run(MetricSink& sink, const fs::path& folder, Reporter& reporter) {
  const auto run = tracked_run(folder);
  const auto lines = timed_lines(run, RunFolder::at(folder).read_metrics());
  const auto report = folder / "report.json";
  sink.begin(run);
  sink.write(lines);
  sink.end({.status = fs::exists(report) ? RunEnd::Status::kFinished : RunEnd::Status::kInterrupted,
            .time = lines.empty() ? run.started : lines.back().time});
  for (const auto& remark : sink.take_remarks()) reporter.warn(str(sink.name(), ": ", remark));
}

}  // namespace tunewright::observe

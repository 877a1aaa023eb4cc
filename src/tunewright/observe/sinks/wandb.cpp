// The offline format of Weights & Biases, which `wandb sync FOLDER` sends: a log framed as
// LevelDB's (blocks of 32 KiB; checksum, length, type before each piece of a record) of
// wandb_internal.Record messages.
#include <ctime>
#include <map>
#include <optional>

#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/version.h"
#include "tunewright/observe/sinks/checksum.h"
#include "tunewright/observe/sinks/sink.h"
#include "tunewright/observe/sinks/stream_file.h"
#include "tunewright/observe/sinks/wire.h"

namespace tunewright::observe {
namespace {

namespace record {
constexpr int kNumber = 1, kHistory = 2, kSummary = 3, kRun = 17, kExit = 18, kHeader = 21,
              kFooter = 22;
}
namespace item {
constexpr int kKey = 1, kValueJson = 16;
}
namespace run_field {
constexpr int kId = 1, kProject = 3, kConfig = 4, kDisplayName = 8, kStartTime = 17;
}

class Log {
 public:
  explicit Log(const fs::path& path) : file_(path) {
    constexpr uint16_t kMagic = 0xBEE1;
    put(":W&B" + little_endian_bytes(kMagic) + std::string(1, '\0'));
  }
  void write(const std::string& bytes) {
    std::string_view rest = bytes;
    bool first = true;
    do {
      const size_t left = kBlock - at_ % kBlock;
      if (left < kHeader) {
        put(std::string(left, '\0'));
        continue;
      }
      const auto piece = rest.substr(0, left - kHeader);
      rest.remove_prefix(piece.size());
      write_piece(piece,
                  first ? (rest.empty() ? kFull : kFirst) : (rest.empty() ? kLast : kMiddle));
      first = false;
    } while (first || !rest.empty());
  }

 private:
  static constexpr size_t kBlock = 32768, kHeader = 7;
  static constexpr char kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4;

  void write_piece(std::string_view piece, char type) {
    const std::string kind(1, type);
    put(little_endian_bytes(crc32(piece, crc32(kind))) +
        little_endian_bytes(static_cast<uint16_t>(piece.size())) + kind + std::string(piece));
  }
  void put(const std::string& bytes) {
    file_.write(bytes);
    at_ += bytes.size();
  }
  StreamFile file_;
  size_t at_ = 0;
};

Message json_item(const std::string& key, const Json& value) {
  Message one;
  one.text(item::kKey, key).text(item::kValueJson, dump_json(value));
  return one;
}

Message timestamp(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  Message time;
  time.integer(1, whole).integer(2, static_cast<int64_t>((seconds - double(whole)) * 1e9));
  return time;
}

std::string local_time(double seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::localtime_r(&time, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d_%H%M%S", &parts);
  return text;
}

class WandbSink : public MetricSink {
 public:
  explicit WandbSink(std::string project) : project_(std::move(project)) {}
  std::string_view name() const override { return "wandb"; }

  void begin(const TrackedRun& run) override {
    started_ = run.started;
    // The same for every session of a run.
    const auto id = sha256(str(run.name, "\n", run.manifest.value("config_sha256", ""), "\n",
                               run.manifest.value("started", "")))
                        .substr(0, 8);
    const auto folder =
        run.folder / "wandb" / str("offline-run-", local_time(run.started), "-", id);
    fs::remove_all(folder);
    fs::create_directories(folder / "files");
    log_.emplace(folder / str("run-", id, ".wandb"));
    write_header();
    Message config;
    for (const auto& [key, value] : run.config.items()) config.message(1, json_item(key, value));
    Message facts;
    facts.text(run_field::kId, id)
        .text(run_field::kProject, project_)
        .message(run_field::kConfig, config)
        .text(run_field::kDisplayName, run.name)
        .message(run_field::kStartTime, timestamp(run.started));
    put(record::kRun, facts);
  }

  // A step is one record: its evaluation belongs to it.
  void write(std::span<const TimedLine> lines) override {
    for (const auto& [metrics, time] : lines) {
      const auto step = metrics.value("step", int64_t{0});
      if (step != step_) write_step();
      step_ = step;
      time_ = time;
      for (const auto& [key, value] : metrics.items()) {
        if (key != "step" && !value.is_null()) pending_[key] = value;
      }
    }
  }

  void end(const RunEnd& end) override {
    write_step();
    Message summary;
    for (const auto& [key, value] : last_.items()) summary.message(1, json_item(key, value));
    put(record::kSummary, summary);
    Message exit;
    const bool finished = end.status == RunEnd::Status::kFinished;
    exit.integer(1, finished                                     ? 0
                    : end.status == RunEnd::Status::kInterrupted ? 130
                                                                 : 1)
        .integer(2, static_cast<int64_t>(end.time - started_));
    put(record::kExit, exit);
    put(record::kFooter, {});
    log_.reset();
  }

 private:
  void write_header() {
    Message version, header;
    version.text(1, str("tunewright ", tunewright::version())).text(2, "0.12.0");
    put(record::kHeader, header.message(1, version));
  }
  void write_step() {
    if (pending_.empty()) return;
    pending_["_step"] = step_;
    pending_["_timestamp"] = time_;
    pending_["_runtime"] = time_ - started_;
    Message history, step;
    for (const auto& [key, value] : pending_.items()) history.message(1, json_item(key, value));
    put(record::kHistory, history.message(2, step.integer(1, step_)));
    last_.update(pending_);
    pending_ = Json::object();
  }
  void put(int field, const Message& content) {
    Message whole;
    log_->write(whole.integer(record::kNumber, ++number_).message(field, content).bytes());
  }

  std::string project_;
  std::optional<Log> log_;
  double started_ = 0, time_ = 0;
  int64_t number_ = 0, step_ = -1;
  Json pending_ = Json::object();  // of the step that is not written yet
  Json last_ = Json::object();     // newest value of each metric
};

}  // namespace

std::unique_ptr<MetricSink> make_wandb_sink(const TrackingOptions& options) {
  return std::make_unique<WandbSink>(options.project);
}

}  // namespace tunewright::observe

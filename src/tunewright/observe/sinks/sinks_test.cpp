#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/observe/energy.h"
#include "tunewright/observe/run.h"
#include "tunewright/observe/sinks/checksum.h"
#include "tunewright/observe/sinks/sink.h"
#include "tunewright/observe/sinks/tracker.h"
#include "tunewright/observe/sinks/wire.h"

// The real tensorboard, mlflow and wandb read what the sinks write in tests/peers/test_tracking.py.
namespace tunewright::observe {
namespace {

using testing::TemporaryFolder;

TEST(Checksum, KnownAnswers) {  // "123456789", as every catalogue of checksums has it
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);  // RFC 3720, B.4
  EXPECT_EQ(crc32("56789", crc32("1234")), crc32("123456789"));
}

TEST(Wire, KnownAnswers) {  // from the protobuf documentation of the encoding
  EXPECT_EQ(Message().integer(1, 150).bytes(), "\x08\x96\x01");
  EXPECT_EQ(Message().text(2, "testing").bytes(), "\x12\x07testing");
  EXPECT_EQ(Message().integer(1, -1).bytes(), "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(Message().message(3, Message().integer(1, 150)).bytes(), "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(Message().number(1, 1.0).bytes(), std::string("\x09\0\0\0\0\0\0\xf0\x3f", 9));
}

fs::path make_run(const TemporaryFolder& folder, int steps) {
  const auto run = folder / "run";
  write_file_atomic(run / "config.yaml", "training: {seed: 1}\n");
  write_file_atomic(run / "manifest.json", dump_json({{"started", "2026-01-01T00:00:00Z"}}));
  std::string lines;
  for (int step = 1; step <= steps; ++step) {
    lines += dump_json({{"step", step}, {"loss", 1.0 / step}, {"step_seconds", 2.0}}) + "\n";
    if (step % 10 == 0) lines += dump_json({{"step", step}, {"eval_loss", 0.5}}) + "\n";
  }
  write_file_atomic(run / "metrics.jsonl", lines);
  return run;
}

fs::path only_file(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().find(ending) != std::string::npos &&
        entry.is_regular_file())
      found.push_back(entry.path());
  }
  EXPECT_EQ(found.size(), 1U);
  return found.empty() ? fs::path() : found[0];
}

TEST(Tensorboard, RecordsAreFramed) {
  TemporaryFolder folder;
  const auto run = make_run(folder, 20);
  for (int i = 0; i < 2; ++i)  // once more replaces
    export_run(*make_sink("tensorboard", {}), run, silent_reporter());
  const auto bytes = read_file(only_file(run / "tensorboard", "tfevents"));
  size_t at = 0;
  int records = 0;
  for (; at < bytes.size(); ++records) {
    uint64_t length = 0;
    uint32_t check = 0;
    std::memcpy(&length, &bytes[at], 8);
    std::memcpy(&check, &bytes[at + 8], 4);
    EXPECT_EQ(check, masked(crc32c(std::string_view(bytes).substr(at, 8))));
    std::memcpy(&check, &bytes[at + 12 + length], 4);
    EXPECT_EQ(check, masked(crc32c(std::string_view(bytes).substr(at + 12, length))));
    at += 16 + length;
  }
  EXPECT_EQ(at, bytes.size());
  EXPECT_EQ(records, 2 + 22);
}

// Puts the pieces of W&B's log together again.
std::vector<std::string> wandb_records(const std::string& bytes) {
  EXPECT_EQ(bytes.substr(0, 7), std::string(":W&B\xE1\xBE\0", 7));
  std::vector<std::string> records;
  std::string whole;
  size_t at = 7;
  while (at < bytes.size()) {
    const size_t left = 32768 - at % 32768;
    if (left < 7) {
      at += left;
      continue;
    }
    uint32_t check = 0;
    uint16_t length = 0;
    std::memcpy(&check, &bytes[at], 4);
    std::memcpy(&length, &bytes[at + 4], 2);
    const char type = bytes[at + 6];
    EXPECT_EQ(check, crc32(std::string_view(bytes).substr(at + 6, 1u + length)));
    whole += bytes.substr(at + 7, length);
    if (type == 1 || type == 4) records.push_back(std::exchange(whole, {}));
    at += 7u + length;
  }
  EXPECT_EQ(at, bytes.size());
  return records;
}

TEST(Wandb, RecordsAreFramedAcrossBlocks) {
  TemporaryFolder folder;
  const auto run = make_run(folder, 2000);
  export_run(*make_sink("wandb", {}), run, silent_reporter());
  const auto records = wandb_records(read_file(only_file(run / "wandb", ".wandb")));
  // Header, run, a record a step (with its evaluation), summary, exit, footer.
  ASSERT_EQ(records.size(), 2U + 2000 + 3);
  EXPECT_THAT(records[11], ::testing::HasSubstr("eval_loss"));
}

TEST(Sinks, NamesAndAddressesAreChecked) {
  EXPECT_USER_ERROR(make_sink("wandbb", {}), "did you mean 'wandb'");
  EXPECT_USER_ERROR(make_sink("mlflow", {}), "MLFLOW_TRACKING_URI");
  TemporaryFolder folder;
  EXPECT_USER_ERROR(export_run(*make_sink("tensorboard", {}), folder.path(), silent_reporter()),
                    "holds no run");
}

TEST(Sinks, OnlyNumbersAreMetrics) {
  const auto numbers = numbers_of({{"step", 3}, {"loss", nullptr}, {"x", 1}, {"t", "text"}});
  ASSERT_EQ(numbers.size(), 1U);
  EXPECT_EQ(numbers[0].first, "x");
}

// Counts, fails and blocks as it is told.
struct Probe {
  std::mutex mutex;
  std::condition_variable wake;
  int begun = 0, ended = 0, failures = 0;
  bool blocked = false;
  std::vector<int> steps;
};
class ProbeSink : public MetricSink {
 public:
  ProbeSink(Probe& probe, bool retries) : probe_(probe), retries_(retries) {}
  std::string_view name() const override { return "probe"; }
  bool can_retry() const override { return retries_; }
  void begin(const TrackedRun&) override { ++probe_.begun; }
  void write(std::span<const TimedLine> lines) override {
    std::unique_lock lock(probe_.mutex);
    probe_.wake.wait(lock, [&] { return !probe_.blocked; });
    if (probe_.failures > 0) {
      --probe_.failures;
      throw UserError("no answer");
    }
    for (const auto& line : lines) probe_.steps.push_back(line.metrics["step"]);
  }
  void end(const RunEnd&) override { ++probe_.ended; }

 private:
  Probe& probe_;
  bool retries_;
};
class Warnings : public Reporter {
 public:
  void progress(std::string_view, int64_t, int64_t, std::string_view, std::string_view) override {}
  void finish_progress() override {}
  void info(std::string_view) override {}
  void warn(std::string_view message) override { list.emplace_back(message); }
  std::vector<std::string> list;
};

std::vector<std::unique_ptr<MetricSink>> probes(Probe& probe, bool retries) {
  std::vector<std::unique_ptr<MetricSink>> sinks;
  sinks.push_back(std::make_unique<ProbeSink>(probe, retries));
  return sinks;
}

TEST(Tracker, PassesAllLinesOnInOrder) {
  Probe probe;
  Warnings warnings;
  Tracker tracker(probes(probe, true), {}, {{{"step", 0}}}, warnings);
  for (int step = 1; step <= 50; ++step) tracker.log({{"step", step}});
  tracker.finish(RunEnd::Status::kFinished);
  ASSERT_EQ(probe.steps.size(), 51U);
  for (int step = 0; step <= 50; ++step) EXPECT_EQ(probe.steps[static_cast<size_t>(step)], step);
  EXPECT_EQ(probe.begun, 1);
  EXPECT_EQ(probe.ended, 1);
  EXPECT_TRUE(warnings.list.empty());
}

TEST(Tracker, ASinkThatHangsDoesNotSlowTraining) {
  Probe probe{.blocked = true};
  Warnings warnings;
  Tracker tracker(probes(probe, true), {}, {}, warnings);
  const double begin = monotonic_seconds();
  for (int step = 1; step <= 1000; ++step) tracker.log({{"step", step}});
  EXPECT_LT(monotonic_seconds() - begin, 0.5);
  {
    const std::lock_guard lock(probe.mutex);
    probe.blocked = false;
  }
  probe.wake.notify_all();
  tracker.finish(RunEnd::Status::kFinished);
  EXPECT_EQ(probe.steps.size(), 1000U);
}

TEST(Tracker, TooManyWaitingLinesAreLeftOutWithAWarning) {
  Probe probe{.failures = 1000};
  Warnings warnings;
  Tracker tracker(probes(probe, true), {.folder = "runs/a"}, {{{"step", 0}}}, warnings);
  const auto log = [&](size_t first, size_t count) {
    for (size_t step = first; step < first + count; ++step) tracker.log({{"step", step}});
  };
  log(1, kMostWaitingLines / 2);
  const auto was_tried = [&] {
    const std::lock_guard lock(probe.mutex);
    return probe.failures < 1000;
  };
  while (!was_tried()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  log(kMostWaitingLines / 2 + 1, kMostWaitingLines / 2 + 10);
  {
    const std::lock_guard lock(probe.mutex);
    probe.failures = 0;
  }
  tracker.finish(RunEnd::Status::kFinished);
  ASSERT_EQ(probe.steps.size(), 1 + kMostWaitingLines);
  EXPECT_EQ(probe.steps.back(), static_cast<int>(kMostWaitingLines));
  const auto told = std::ranges::count_if(warnings.list, [](const std::string& warning) {
    return warning.find("left out until it takes some") != std::string::npos;
  });
  EXPECT_EQ(told, 1);
}

TEST(Tracker, AFailureIsTriedAgain) {
  Probe probe{.failures = 1};
  Warnings warnings;
  Tracker tracker(probes(probe, true), {}, {{{"step", 1}}}, warnings);
  const auto was_tried = [&] {
    const std::lock_guard lock(probe.mutex);
    return probe.failures == 0;
  };
  while (!was_tried()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  tracker.log({{"step", 2}});
  tracker.finish(RunEnd::Status::kFinished);
  EXPECT_EQ(probe.steps, (std::vector<int>{1, 2}));
  ASSERT_EQ(warnings.list.size(), 1U);
  EXPECT_THAT(warnings.list[0], ::testing::HasSubstr("no answer; training goes on"));
}

TEST(Tracker, AFailureToTheEndNamesTheCure) {
  for (const bool retries : {true, false}) {
    Probe probe{.failures = 1000};
    Warnings warnings;
    Tracker tracker(probes(probe, retries), {.folder = "runs/a"}, {{{"step", 1}}}, warnings);
    tracker.finish(RunEnd::Status::kFinished);
    ASSERT_FALSE(warnings.list.empty());
    EXPECT_THAT(warnings.list.back(),
                ::testing::HasSubstr("`tunewright runs export --to probe runs/a`"));
  }
}

TEST(Mlflow, AServerThatIsNotThereIsAWarning) {
  TemporaryFolder folder;
  const auto run = make_run(folder, 3);
  Warnings warnings;
  std::vector<std::unique_ptr<MetricSink>> sinks;
  sinks.push_back(make_sink("mlflow", {.mlflow_uri = "http://127.0.0.1:9"}));
  Tracker tracker(std::move(sinks), tracked_run(run), {}, warnings);
  tracker.log({{"step", 1}, {"loss", 1.0}});
  tracker.finish(RunEnd::Status::kFinished);
  ASSERT_FALSE(warnings.list.empty());
  EXPECT_THAT(warnings.list.back(), ::testing::HasSubstr("runs export --to mlflow"));
}

TEST(Mlflow, FilesThatNeedAnotherClientAreSaidToBeLeftOut) {
  TemporaryFolder folder;
  const auto run = make_run(folder, 3);
  const testing::LocalServer server;
  Warnings warnings;
  export_run(*make_sink("mlflow", {.mlflow_uri = server.url("/mlflow/s3/store/1")}), run, warnings);
  ASSERT_EQ(warnings.list.size(), 1U);
  EXPECT_THAT(warnings.list[0], ::testing::HasSubstr("keeps them in s3://store/1"));
  warnings.list.clear();
  const auto files = folder / "files";
  fs::create_directories(files);
  export_run(*make_sink("mlflow", {.mlflow_uri = server.url("/mlflow/file/" + files.string())}),
             run, warnings);
  EXPECT_TRUE(warnings.list.empty());
  EXPECT_TRUE(fs::exists(files / "config.yaml"));
}

TEST(Energy, IsCountedByPackageAndWrapsRound) {
  TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& what, int64_t energy) {
    write_file_atomic(folder / name / "name", what + "\n");
    write_file_atomic(folder / name / "energy_uj", std::to_string(energy) + "\n");
    write_file_atomic(folder / name / "max_energy_range_uj", "1000000000\n");
  };
  EXPECT_FALSE(EnergyMeter(folder / "none").joules());
  write("intel-rapl:0", "package-0", 1'000'000);
  write("intel-rapl:1", "package-1", 999'000'000);
  write("intel-rapl:0:0", "core", 5);
  const EnergyMeter meter(folder.path());
  write("intel-rapl:0", "package-0", 4'000'000);
  write("intel-rapl:1", "package-1", 1'000'000);
  write("intel-rapl:0:0", "core", 900'000'000);
  EXPECT_NEAR(*meter.joules(), 3 + 2, 1e-9);
}

}  // namespace
}  // namespace tunewright::observe

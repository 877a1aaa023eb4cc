#include "tunewright/observe/run.h"

#include "tunewright/base/test.h"

namespace tunewright::observe {
namespace {

using testing::TemporaryFolder;
using Mode = RunFolder::Mode;

Json line(int64_t step) { return {{"step", step}, {"loss", 0.5}}; }

TEST(RunFolder, RefusesAFolderThatHoldsARun) {
  TemporaryFolder folder;
  RunFolder::open(folder / "run", Mode::kNew).log_metrics(line(1));
  EXPECT_USER_ERROR(RunFolder::open(folder / "run", Mode::kNew), "--resume");
  EXPECT_USER_ERROR(RunFolder::open(folder / "run", Mode::kNew), "--overwrite");
}

TEST(RunFolder, RefusesAFile) {
  TemporaryFolder folder;
  write_file_atomic(folder / "run", "");
  EXPECT_USER_ERROR(RunFolder::open(folder / "run", Mode::kResume), "must name a folder");
}

TEST(RunFolder, OpeningWritesNothing) {
  TemporaryFolder folder;
  RunFolder::open(folder / "run", Mode::kNew);
  EXPECT_FALSE(fs::exists(folder / "run"));
}

TEST(RunFolder, OverwriteRemovesTheRunAndNothingElse) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  run.log_metrics(line(1));
  write_file_atomic(folder / "notes.txt", "mine");
  fs::create_directories(run.checkpoints_folder() / "step-000001");
  RunFolder::open(folder.path(), Mode::kOverwrite);
  EXPECT_FALSE(fs::exists(run.metrics_file()));
  EXPECT_FALSE(fs::exists(run.checkpoints_folder()));
  EXPECT_TRUE(fs::exists(folder / "notes.txt"));
}

TEST(RunFolder, RewindsMetricsToAStep) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  for (int64_t step = 1; step <= 4; ++step) run.log_metrics(line(step));
  run.log_metrics({{"step", 4}, {"eval_loss", 0.25}});
  run.rewind_metrics(3);
  run.log_metrics(line(4));
  const auto lines = run.read_metrics();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines.back(), line(4));
}

TEST(RunFolder, RewindsBeforeAnEvaluation) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  for (int64_t step = 1; step <= 2; ++step) {
    run.log_metrics(line(step));
    run.log_metrics({{"step", step}, {"eval_loss", 0.25}});
  }
  run.rewind_metrics(2, RunFolder::CutBack::kBeforeEvaluation);
  const auto lines = run.read_metrics();
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines.back(), line(2));
}

TEST(RunFolder, ATornLastLineIsDropped) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  write_file_atomic(run.metrics_file(), "{\"step\":1}\n{\"step\":2,\"lo");
  EXPECT_EQ(run.read_metrics().size(), 1U);
  run.rewind_metrics(2);
  EXPECT_EQ(read_file(run.metrics_file()), "{\"step\":1}\n");
}

TEST(RunFolder, ABrokenLineInTheMiddleIsAnError) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  write_file_atomic(run.metrics_file(), "{\"step\":1}\nnonsense\n{\"step\":3}\n");
  EXPECT_USER_ERROR(run.read_metrics(), "metrics.jsonl: line 2");
}

TEST(RunFolder, ListsCompleteCheckpointsByStep) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  for (const auto* name :
       {"step-1000000", "step-000050", "step-000100", ".step-000150.tmp-7", "step-x", "best"}) {
    fs::create_directories(run.checkpoints_folder() / name);
  }
  const auto found = run.checkpoints();
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found.front().filename(), RunFolder::checkpoint_name(50));
  EXPECT_EQ(found.back().filename(), RunFolder::checkpoint_name(1000000));
}

TEST(RunFolder, ResumeRemovesWhatAKilledProcessLeft) {
  TemporaryFolder folder;
  auto run = RunFolder::open(folder.path(), Mode::kNew);
  const auto leftover = run.checkpoints_folder() / ".step-000150.tmp-7";
  fs::create_directories(leftover);
  RunFolder::open(folder.path(), Mode::kResume);
  EXPECT_FALSE(fs::exists(leftover));
}

TEST(ReadOrEmpty, GivesObjectsAlone) {
  TemporaryFolder folder;
  write_file_atomic(folder / "a.json", R"({"x":1})");
  write_file_atomic(folder / "a.yaml", "x: 1\n");
  write_file_atomic(folder / "list.json", "[1]");
  write_file_atomic(folder / "torn.json", R"({"x":)");
  for (const auto* name : {"a.json", "a.yaml"}) EXPECT_EQ(read_or_empty(folder / name)["x"], 1);
  for (const auto* name : {"list.json", "torn.json", "none.json"})
    EXPECT_EQ(read_or_empty(folder / name), Json::object());
}

}  // namespace
}  // namespace tunewright::observe

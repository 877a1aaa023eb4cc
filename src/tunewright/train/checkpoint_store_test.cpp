#include "tunewright/train/checkpoint_store.h"

#include <ATen/ops/full.h>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/train/train_fixture.h"

namespace tunewright::train {
namespace {

using observe::RunFolder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tunewright::testing::TemporaryFolder;

// Weights whose numbers all are the step.
Snapshot snapshot_of(int64_t step) {
  const NamedTensors weights = {{"w", at::full({300}, static_cast<double>(step))}};
  return take_snapshot({.step = step}, weights, {{"mean.w", at::full({300}, 0.5)}});
}

double weight_in(const Checkpoint& checkpoint) {
  const auto tensor = at::full({300}, -1.0);
  checkpoint.restore_weights({{"w", tensor}});
  return tensor[7].item<double>();
}

struct Store {
  explicit Store(CheckpointStore::Options options)
      : run(RunFolder::open(folder.path(), RunFolder::Mode::kNew)), store(run, options) {}
  void save(std::initializer_list<int64_t> steps) {
    for (const auto step : steps) store.save(snapshot_of(step));
    store.wait();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& path : run.checkpoints()) found.push_back(path.filename().string());
    return found;
  }
  fs::path file(int64_t step, const char* name) const {
    return run.checkpoints_folder() / RunFolder::checkpoint_name(step) / name;
  }
  TemporaryFolder folder;
  RunFolder run;
  CheckpointStore store;
};

TEST(CheckpointWriter, WritesOneAtATimeAndSaysWhenEachIsDurable) {
  TemporaryFolder folder;
  std::vector<std::string> durable;
  CheckpointWriter writer([&](const fs::path& path) {
    EXPECT_TRUE(fs::exists(path / "state.json"));
    durable.push_back(path.filename().string());
  });
  writer.start(folder / "a", snapshot_of(1));
  writer.start(folder / "b", snapshot_of(2));
  EXPECT_TRUE(fs::exists(folder / "a")) << "the second waits for the first";
  writer.wait();
  writer.wait();
  EXPECT_THAT(durable, ElementsAre("a", "b"));
}

TEST(CheckpointWriter, HandsOverAFailure) {
  TemporaryFolder folder;
  write_file_atomic(folder / "file", "in the way");
  CheckpointWriter writer([](const fs::path&) { ADD_FAILURE() << "it is not durable"; });
  writer.start(folder / "file/c", snapshot_of(1));
  EXPECT_USER_ERROR(writer.wait(), "file");
  writer.check();  // once is enough
  writer.start(folder / "file/c", snapshot_of(1));
  EXPECT_USER_ERROR(writer.start(folder / "d", snapshot_of(1)), "file");
}

TEST(CheckpointStore, WritesTheNumbersOfTheSnapshot) {
  Store s({});
  const auto tensor = at::full({300}, 5.0);
  auto snapshot = take_snapshot({.step = 5}, {{"w", tensor}}, {});
  tensor.fill_(6.0);  // training goes on
  s.store.save(std::move(snapshot));
  EXPECT_EQ(weight_in(s.store.of_step(5)), 5.0);
}

TEST(CheckpointStore, KeepsTheNewestAndWhatTheyKnow) {
  Store s({.limit = 2});
  s.save({1, 2, 3});
  EXPECT_THAT(s.names(), ElementsAre("step-000002", "step-000003"));
  auto snapshot = snapshot_of(4);
  snapshot.state.best = EvalReport{.step = 2};
  snapshot.state.setbacks.rollback_step = 3;
  s.store.save(snapshot);
  snapshot.state.step = 5;
  s.store.save(snapshot);
  s.store.wait();
  EXPECT_THAT(s.names(), ElementsAre("step-000002", "step-000003", "step-000004", "step-000005"));
  s.save({6, 7});
  EXPECT_THAT(s.names(), ElementsAre("step-000006", "step-000007"));
}

TEST(CheckpointStore, ADamagedNewestFallsBackAndSaysSo) {
  const auto flip = [](const fs::path& path) {
    auto bytes = read_file(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file_atomic(path, bytes);
  };
  const auto cut = [](const fs::path& path) { fs::resize_file(path, fs::file_size(path) / 2); };
  const auto remove = [](const fs::path& path) { fs::remove(path); };
  for (const auto& damage : std::vector<std::function<void(const fs::path&)>>{flip, cut, remove}) {
    for (const auto* name : {"weights.safetensors", "optimizer.safetensors", "state.json"}) {
      Store s({});
      s.save({1, 2, 3});
      damage(s.file(3, name));
      StoppingReporter reporter;
      const auto found = s.store.newest(Json::object(), reporter);
      ASSERT_TRUE(found);
      EXPECT_EQ(found->state().step, 2);
      EXPECT_EQ(weight_in(*found), 2.0);
      EXPECT_THAT(reporter.said, Contains(HasSubstr(str("step-000003/", name))));
      EXPECT_THAT(reporter.said, Contains(HasSubstr("going back to the checkpoint before it")));
    }
  }
}

TEST(CheckpointStore, ADamagedOneBehindTheRunIsNotTakenForTheNewest) {
  Store s({.limit = 1});
  s.save({3});
  fs::resize_file(s.file(3, "weights.safetensors"), 10);
  s.save({2});  // the run has gone back and comes by again
  EXPECT_THAT(s.names(), ElementsAre("step-000002"));
}

}  // namespace
}  // namespace tunewright::train

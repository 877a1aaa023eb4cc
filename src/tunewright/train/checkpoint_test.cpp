#include "tunewright/train/checkpoint.h"

#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>

#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/train/optimizer.h"

namespace tunewright::train {
namespace {

using tunewright::testing::TemporaryFolder;

struct Trained {
  std::vector<model::Parameter> parameters;
  AdamW optimizer;
};

Trained random_state() {
  std::vector<model::Parameter> parameters = {
      {"a", at::randn({4, 3}).requires_grad_(), true},
      {"b", at::randn({5}).to(at::kBFloat16).requires_grad_(), false}};
  AdamW optimizer(parameters, {});
  for (auto& parameter : parameters)
    parameter.tensor.mutable_grad() = at::randn_like(parameter.tensor);
  optimizer.collect_gradients();
  optimizer.update(0.1);
  return {parameters, std::move(optimizer)};
}

const RunState kState = {.step = 50,
                         .epoch = 2,
                         .next_batch = 7,
                         .updates = 1,
                         .best = EvalReport{.step = 40, .loss = 0.1 + 0.2, .tokens = 9},
                         .train_seconds = 1.0 / 3.0};

Snapshot snapshot_of(const Trained& trained) {
  return take_snapshot(kState, weights_of(trained.parameters), trained.optimizer.state());
}

void damage(const fs::path& path) {
  auto bytes = read_file(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file_atomic(path, bytes);
}

TEST(Checkpoint, RestoresEveryBit) {
  TemporaryFolder folder;
  const auto written = random_state();
  write_checkpoint(folder / "c", snapshot_of(written));
  auto restored = random_state();
  const auto checkpoint = Checkpoint::open(folder / "c");
  checkpoint.restore_weights(weights_of(restored.parameters));
  checkpoint.restore_optimizer(restored.optimizer.state());
  for (size_t i = 0; i < written.parameters.size(); ++i) {
    EXPECT_TRUE(restored.parameters[i].tensor.equal(written.parameters[i].tensor));
  }
  const auto expected = written.optimizer.state(), got = restored.optimizer.state();
  ASSERT_EQ(got.size(), 5U);  // two moments each, and a master
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(got[i].second.equal(expected[i].second)) << got[i].first;
  EXPECT_EQ(to_json_object(checkpoint.state()), to_json_object(kState));
}

TEST(Checkpoint, DamageToAnyFileIsFound) {
  for (const auto* name : {"weights.safetensors", "optimizer.safetensors", "state.json"}) {
    TemporaryFolder folder;
    const auto written = random_state();
    write_checkpoint(folder / "c", snapshot_of(written));
    damage(folder.path() / "c" / name);
    EXPECT_USER_ERROR(Checkpoint::open(folder / "c"), name);
  }
}

TEST(Checkpoint, AMissingOrCutOffFileIsFound) {
  TemporaryFolder folder;
  const auto written = random_state();
  write_checkpoint(folder / "c", snapshot_of(written));
  fs::resize_file(folder.path() / "c" / "optimizer.safetensors", 100);
  EXPECT_USER_ERROR(Checkpoint::open(folder / "c"), "optimizer.safetensors: is damaged");
  fs::remove(folder.path() / "c" / "state.json");
  EXPECT_USER_ERROR(Checkpoint::open(folder / "c"), "state.json");
}

TEST(Checkpoint, AnotherShapeIsNamed) {
  TemporaryFolder folder;
  const auto written = random_state();
  write_checkpoint(folder / "c", snapshot_of(written));
  const std::vector<model::Parameter> other = {{"a", at::randn({3, 4}), true}};
  EXPECT_USER_ERROR(Checkpoint::open(folder / "c").restore_weights(weights_of(other)),
                    "tensor 'a' has another shape");
}

}  // namespace
}  // namespace tunewright::train

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
  Optimizer optimizer;
};

Trained random_state() {
  std::vector<model::Parameter> parameters = {
      {"a", at::randn({4, 3}).requires_grad_(), true},
      {"b", at::randn({5}).to(at::kBFloat16).requires_grad_(), false}};
  Optimizer optimizer(parameters, {});
  for (auto& parameter : parameters)
    parameter.tensor.mutable_grad() = at::randn_like(parameter.tensor);
  optimizer.collect_gradients(parameters);
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

struct Kind {
  const char* name;
  TrainOptions options;
};
const Kind kKinds[] = {{"adamw", {}},
                       {"adamw_8bit", {.optim = OptimizerKind::kAdamW8bit}},
                       {"adafactor", {.optim = OptimizerKind::kAdafactor}},
                       {"lion", {.optim = OptimizerKind::kLion}},
                       {"muon", {.optim = OptimizerKind::kMuon}},
                       {"sgd", {.optim = OptimizerKind::kSgd}},
                       {"sgd_momentum", {.optim = OptimizerKind::kSgd, .momentum = 0.9}}};

std::vector<model::Parameter> parameters_of_each_kind() {
  return {{.name = "large", .tensor = at::randn({80, 60}).requires_grad_()},
          {.name = "half", .tensor = at::randn({80, 60}).to(at::kBFloat16).requires_grad_()},
          {.name = "norm", .tensor = at::randn({60}).requires_grad_(), .decay = false},
          {.name = "embedding", .tensor = at::randn({9, 60}).requires_grad_(), .embedding = true}};
}

void take_steps(Optimizer& optimizer, const std::vector<model::Parameter>& parameters,
                const std::vector<std::vector<at::Tensor>>& gradients) {
  for (const auto& step : gradients) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      auto tensor = parameters[i].tensor;
      tensor.mutable_grad() = step[i].clone();
    }
    optimizer.collect_gradients(parameters);
    optimizer.update(1e-3, 0.7);
  }
}

// Three steps, a checkpoint, and three more: here and in what was restored from it.
TEST(Checkpoint, EveryOptimizerGoesOnBitForBit) {
  for (const auto update : {BFloat16Update::kMasters, BFloat16Update::kStochasticRounding}) {
    for (auto [name, options] : kKinds) {
      TemporaryFolder folder;
      options.bf16_update = update;
      options.weight_decay = 0.1;
      const auto parameters = parameters_of_each_kind(), others = parameters_of_each_kind();
      std::vector<std::vector<at::Tensor>> before(3), after(3);
      for (auto* part : {&before, &after}) {
        for (auto& step : *part) {
          for (const auto& parameter : parameters)
            step.push_back(at::randn_like(parameter.tensor.detach()));
        }
      }
      Optimizer optimizer(parameters, options), restored(others, options);
      take_steps(optimizer, parameters, before);
      auto state = kState;
      state.updates = optimizer.updates();
      write_checkpoint(folder / "c",
                       take_snapshot(state, weights_of(parameters), optimizer.state()));
      const auto checkpoint = Checkpoint::open(folder / "c");
      checkpoint.restore_weights(weights_of(others));
      checkpoint.restore_optimizer(restored.state());
      restored.set_updates(checkpoint.state().updates);
      take_steps(optimizer, parameters, after);
      take_steps(restored, others, after);
      for (size_t i = 0; i < parameters.size(); ++i)
        EXPECT_TRUE(parameters[i].tensor.equal(others[i].tensor))
            << name << " " << parameters[i].name;
    }
  }
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

#include "tunewright/train/passes.h"

#include <ATen/ops/empty.h>

#include "tunewright/base/random.h"
#include "tunewright/base/system.h"
#include "tunewright/ops/device.h"

namespace tunewright::train {
namespace {

// A tensor filled on the host, then moved.
template <class T, class Value>
at::Tensor make_tensor(size_t size, at::ScalarType dtype, at::Device device, Value value) {
  auto tensor = at::empty({static_cast<int64_t>(size)}, dtype);
  auto* out = tensor.mutable_data_ptr<T>();
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<T>(value(i));
  return ops::to_device(tensor, device);
}

}  // namespace

model::PackedInput to_input(const data::Batch& batch, at::Device device) {
  const auto size = batch.ids.size();
  return {
      .ids = make_tensor<int64_t>(size, at::kLong, device, [&](size_t i) { return batch.ids[i]; }),
      .positions = make_tensor<int64_t>(size, at::kLong, device,
                                        [&](size_t i) { return batch.positions[i]; }),
      .offsets = batch.offsets};
}

Targets to_targets(const data::Batch& batch, at::Device device) {
  const auto& targets = batch.targets;
  const auto size = targets.size();
  return {.positions = make_tensor<int64_t>(size, at::kLong, device,
                                            [&](size_t i) { return targets[i].position; }),
          .labels = make_tensor<int64_t>(size, at::kLong, device,
                                         [&](size_t i) { return targets[i].label; }),
          .weights = make_tensor<float>(size, at::kFloat, device,
                                        [&](size_t i) { return targets[i].weight; })};
}

int64_t evaluation_pass_tokens(int64_t tokens_per_pass) {
  constexpr int64_t kDefault = 2048;
  return tokens_per_pass > 0 ? tokens_per_pass : kDefault;
}

uint64_t dropout_seed(int64_t seed, int64_t step, size_t pass) {
  Random random(static_cast<uint64_t>(seed), stream_id("dropout"));
  random.seek((static_cast<uint64_t>(step) << 20) + pass);
  return random.next();
}

Stoppable::Stoppable(model::CausalLm& model) : model_(model) {
  model.set_between_blocks(&check_stop);
}

at::Tensor loss_sum(model::CausalLm& model, Objective objective, const data::Batch& batch) {
  const auto device = model.head().device();
  const auto targets = to_targets(batch, device);
  auto input = to_input(batch, device);
  input.wanted = targets.positions;
  return objective(model.hidden(input), model.head(), targets);
}

}  // namespace tunewright::train

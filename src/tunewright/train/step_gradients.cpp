#include "tunewright/train/step_gradients.h"

#include <ATen/ops/full_like.h>

#include <algorithm>

#include "tunewright/ops/side_by_side.h"
#include "tunewright/train/passes.h"

namespace tunewright::train {
namespace {

// Fewer make a matrix product wait for the weights.
constexpr double kLeastTokensOfAPass = 192;

struct Pass {
  const data::Batch& batch;
  uint64_t dropout_seed;
};

std::vector<Pass> with_targets(const std::vector<data::Batch>& batches, int64_t seed,
                               int64_t step) {
  std::vector<Pass> passes;
  for (size_t i = 0; i < batches.size(); ++i) {
    if (!batches[i].targets.empty()) passes.push_back({batches[i], dropout_seed(seed, step, i)});
  }
  return passes;
}

}  // namespace

int64_t passes_side_by_side(const SideBySideLimits& limits) {
  const auto by_tokens = static_cast<int64_t>(limits.tokens / kLeastTokensOfAPass);
  const auto by_rows = static_cast<int64_t>(limits.rows);
  const int64_t by_memory = 1 + limits.weight_bytes / std::max<int64_t>(limits.gradient_bytes, 1);
  return std::max<int64_t>(1, std::min({limits.threads, by_tokens, by_rows, by_memory}));
}

// A model with gradients of its own; the first worker's is the model that trains.
struct StepGradients::Worker {
  model::CausalLm* model;
  std::unique_ptr<model::CausalLm> replica;
  std::vector<model::Parameter> parameters;

  at::Tensor run(Objective objective, const Pass& pass, double weight) const {
    const Stoppable stoppable(*model);
    model->set_training(true, pass.dropout_seed);
    const auto sum = loss_sum(*model, objective, pass.batch);
    sum.backward(at::full_like(sum, 1.0 / weight));
    return sum.detach();
  }
};

StepGradients::StepGradients(model::CausalLm& model, Objective objective, Optimizer& optimizer,
                             int64_t side_by_side)
    : objective_(objective), optimizer_(optimizer) {
  workers_.push_back({&model, nullptr, model.trainable_parameters()});
  for (int64_t i = 1; i < side_by_side; ++i) {
    auto replica = model.replica();
    auto* borrowed = replica.get();
    workers_.push_back({borrowed, std::move(replica), borrowed->trainable_parameters()});
  }
}

StepGradients::~StepGradients() = default;

std::optional<std::vector<at::Tensor>> StepGradients::compute(
    const std::vector<data::Batch>& batches, double weight, int64_t seed, int64_t step) {
  const auto passes = with_targets(batches, seed, step);
  std::vector<at::Tensor> losses(passes.size());
  for (size_t begin = 0; begin < passes.size(); begin += workers_.size()) {
    const size_t count = std::min(workers_.size(), passes.size() - begin);
    try {
      ops::side_by_side(static_cast<int64_t>(count), [&](int64_t worker) {
        const auto i = static_cast<size_t>(worker);
        losses[begin + i] = workers_[i].run(objective_, passes[begin + i], weight);
      });
    } catch (const StopRequested&) {
      clear();
      return std::nullopt;
    }
    for (size_t i = 0; i < count; ++i) optimizer_.collect_gradients(workers_[i].parameters);
  }
  return losses;
}

void StepGradients::clear() {
  optimizer_.clear_gradients();
  for (auto& worker : workers_) {
    for (auto& parameter : worker.parameters) parameter.tensor.mutable_grad().reset();
  }
}

}  // namespace tunewright::train

#include "tunewright/train/step_gradients.h"

#include <ATen/Parallel.h>
#include <ATen/ops/full_like.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/system.h"
#include "tunewright/model/quantize.h"
#include "tunewright/ops/side_by_side.h"
#include "tunewright/train/passes.h"

namespace tunewright::train {
namespace {

// Fewer make a matrix product wait for the weights.
constexpr double kLeastTokensOfAPart = 192;

double mean_length(const data::Dataset& dataset) {
  return double(dataset.tokens()) / double(std::max<size_t>(1, dataset.examples.size()));
}

int64_t gradient_bytes(model::CausalLm& model) {
  int64_t bytes = 0;
  for (const auto& parameter : model.trainable_parameters())
    bytes += parameter.tensor.numel() * int64_t{sizeof(float)};
  return bytes;
}

}  // namespace

int64_t parts_side_by_side(const SideBySideLimits& limits) {
  const auto by_tokens = static_cast<int64_t>(limits.tokens / kLeastTokensOfAPart);
  const auto by_rows = static_cast<int64_t>(limits.rows);
  const int64_t most = std::max<int64_t>(1, std::min({limits.threads, by_tokens, by_rows}));
  if (limits.gradient_bytes == 0) return most;
  return std::min(most, 1 + limits.weight_bytes / limits.gradient_bytes);
}

int64_t parts_side_by_side(model::CausalLm& model, const data::Dataset& dataset,
                           const data::DataOptions& data, const TrainOptions& options) {
  if (options.parallel_passes > 0) return options.parallel_passes;
  if (!model.head().is_cpu()) return 1;
  const double length = mean_length(dataset), sequences(options.per_device_train_batch_size);
  double tokens = sequences * (data.packing ? double(data.max_length) : length);
  if (options.tokens_per_pass > 0) tokens = std::min(tokens, double(options.tokens_per_pass));
  return parts_side_by_side({.threads = at::get_num_threads(),
                             .rows = tokens / length,
                             .tokens = tokens,
                             .gradient_bytes = gradient_bytes(model),
                             .weight_bytes = model::weight_bytes(model)});
}

void StepParts::add(const data::Batch& pass, int64_t side_by_side) {
  for (auto& part : data::deal_batch(pass, side_by_side)) parts.push_back(std::move(part));
  pass_ends.push_back(parts.size());
}

// A model with gradients of its own; the first worker's is the model that trains.
struct StepGradients::Worker {
  model::CausalLm* model;
  std::unique_ptr<model::CausalLm> replica;
  std::vector<model::Parameter> parameters;

  at::Tensor run(Objective objective, const data::Batch& part, double weight,
                 uint64_t dropout_seed) const {
    if (part.targets.empty()) return {};
    const Stoppable stoppable(*model);
    model->set_training(true, dropout_seed);
    const auto sum = loss_sum(*model, objective, part);
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

std::optional<std::vector<at::Tensor>> StepGradients::compute(const StepParts& step, double weight,
                                                              int64_t seed, int64_t step_number) {
  std::vector<at::Tensor> losses(step.parts.size());
  size_t begin = 0;
  for (const size_t end : step.pass_ends) {
    TUNEWRIGHT_ASSERT(end - begin <= workers_.size());
    try {
      ops::side_by_side(static_cast<int64_t>(end - begin), [&](int64_t worker) {
        const auto i = begin + static_cast<size_t>(worker);
        losses[i] = workers_[static_cast<size_t>(worker)].run(objective_, step.parts[i], weight,
                                                              dropout_seed(seed, step_number, i));
      });
    } catch (const Interrupted&) {
      clear();
      return std::nullopt;
    }
    for (size_t i = 0; i < end - begin; ++i) optimizer_.collect_gradients(workers_[i].parameters);
    begin = end;
  }
  std::erase_if(losses, [](const at::Tensor& loss) { return !loss.defined(); });
  return losses;
}

void StepGradients::clear() {
  optimizer_.clear_gradients();
  for (auto& worker : workers_) {
    for (auto& parameter : worker.parameters) parameter.tensor.mutable_grad().reset();
  }
}

}  // namespace tunewright::train

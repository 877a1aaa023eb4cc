#include "tunewright/train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/ops/update_kernels.h"
#include "tunewright/train/optimizers/pass.h"
#include "tunewright/train/optimizers/rule.h"

namespace tunewright::train {
namespace {

std::unique_ptr<UpdateRule> make_rule(Weights weights, const TrainOptions& options) {
  switch (options.optim) {
    case OptimizerKind::kAdamW:
      return make_adamw(std::move(weights), options);
    case OptimizerKind::kAdamW8bit:
      return make_adamw_8bit(std::move(weights), options);
    case OptimizerKind::kAdafactor:
      return make_adafactor(std::move(weights), options);
    case OptimizerKind::kLion:
      return make_lion(std::move(weights), options);
    case OptimizerKind::kMuon:
      return make_muon(std::move(weights), options);
    case OptimizerKind::kSgd:
      return make_sgd(std::move(weights), options);
  }
  throw InternalError("an optimizer without a rule");
}

at::Tensor make_master(const at::Tensor& parameter, BFloat16Update update) {
  if (parameter.scalar_type() == at::kFloat) return parameter;
  const bool without =
      parameter.scalar_type() == at::kBFloat16 && update == BFloat16Update::kStochasticRounding;
  return without ? at::Tensor() : parameter.detach().to(at::kFloat);
}

bool has_row_kernel(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

// In pieces that do not depend on the number of threads, so that the sum does not either.
double sum_of_squares(const std::vector<at::Tensor>& tensors) {
  struct Place {
    const float* numbers;
    int64_t size;
  };
  std::vector<Place> places;
  std::vector<at::Tensor> contiguous;  // keeps the numbers alive
  for (const auto& tensor : tensors) {
    const float* numbers = contiguous.emplace_back(tensor.contiguous()).const_data_ptr<float>();
    for (int64_t begin = 0; begin < tensor.numel(); begin += kPiece)
      places.push_back({numbers + begin, std::min(kPiece, tensor.numel() - begin)});
  }
  std::vector<double> sums(places.size());
  at::parallel_for(0, static_cast<int64_t>(places.size()), 8, [&](int64_t first, int64_t end) {
    for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(end); ++i)
      sums[i] = ops::kernels::squares_row(places[i].numbers, places[i].size);
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

Optimizer::Optimizer(const std::vector<model::Parameter>& parameters, const TrainOptions& options)
    : seed_(static_cast<uint64_t>(options.seed)) {
  for (const auto& parameter : parameters) {
    weights_.push_back({.name = parameter.name,
                        .parameter = parameter.tensor,
                        .master = make_master(parameter.tensor, options.bf16_update),
                        .decay = parameter.decay,
                        .embedding = parameter.embedding});
  }
  Weights borrowed;
  for (auto& weight : weights_) borrowed.push_back(&weight);
  rule_ = make_rule(std::move(borrowed), options);
}

Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;

void Optimizer::collect_gradients(const std::vector<model::Parameter>& parameters) {
  TUNEWRIGHT_ASSERT(parameters.size() == weights_.size());
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    auto tensor = parameters[i].tensor;
    auto& gradient = tensor.mutable_grad();
    auto& sum =
        weights_[i].half() ? weights_[i].gradient_sum : weights_[i].parameter.mutable_grad();
    if (&sum == &gradient || !gradient.defined()) continue;
    if (sum.defined()) {
      sum.add_(gradient);
    } else {
      sum = gradient.to(at::kFloat);
    }
    gradient.reset();
  }
}

std::vector<at::Tensor> Optimizer::gradients() const {
  std::vector<at::Tensor> found;
  for (const auto& weight : weights_) {
    if (auto gradient = weight.gradient(); gradient.defined()) found.push_back(std::move(gradient));
  }
  return found;
}

void Optimizer::update(double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  ++updates_;
  rule_->update({.number = updates_,
                 .learning_rate = learning_rate,
                 .gradient_scale = gradient_scale,
                 .seed = seed_});
  clear_gradients();
}

void Optimizer::clear_gradients() {
  for (auto& weight : weights_) {
    weight.parameter.mutable_grad().reset();
    weight.gradient_sum.reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> Optimizer::state() const {
  auto named = rule_->state();
  for (const auto& weight : weights_) {
    if (weight.half() && weight.master.defined())
      named.emplace_back("master." + weight.name, weight.master);
  }
  return named;
}

at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients) {
  if (gradients.empty()) return at::zeros({}, at::kFloat);
  if (std::ranges::all_of(gradients, has_row_kernel))
    return at::full({}, std::sqrt(sum_of_squares(gradients)), at::kFloat);
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients)));
}

double clip_scale(double norm, double max_norm) {
  constexpr double kEpsilon = 1e-6;  // torch.nn.utils.clip_grad_norm_
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + kEpsilon)) : 1.0;
}

}  // namespace tunewright::train

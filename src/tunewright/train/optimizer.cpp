#include "tunewright/train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace tunewright::train {
namespace {

at::Tensor float32_zeros_like(const at::Tensor& tensor) {
  return at::zeros_like(tensor, tensor.options().dtype(at::kFloat).requires_grad(false));
}

double sum_of_squares(const float* x, int64_t n) {
  constexpr int64_t kLanes = 16;  // which the compiler makes registers of
  std::array<float, kLanes> lanes{};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + lane] * x[i + lane];
  }
  for (; i < n; ++i) lanes[0] += x[i] * x[i];
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

// In blocks of a fixed size, so that the order of the additions, and with it the clipping of every
// step, does not depend on the number of threads.
at::Tensor gradient_norm_on_cpu(const std::vector<at::Tensor>& gradients) {
  constexpr int64_t kBlock = 16384;
  double total = 0;
  for (const auto& gradient : gradients) {
    const auto values = gradient.to(at::kFloat).contiguous();
    const auto* data = values.const_data_ptr<float>();
    const int64_t n = values.numel(), blocks = (n + kBlock - 1) / kBlock;
    std::vector<double> sums(static_cast<size_t>(blocks));
    at::parallel_for(0, blocks, 4, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        sums[static_cast<size_t>(b)] =
            sum_of_squares(data + b * kBlock, std::min(kBlock, n - b * kBlock));
    });
    total = std::accumulate(sums.begin(), sums.end(), total);
  }
  return at::full({}, std::sqrt(total), at::kFloat);
}

}  // namespace

AdamW::AdamW(std::vector<model::Parameter> parameters, const TrainOptions& options)
    : beta1_(options.adam_beta1),
      beta2_(options.adam_beta2),
      epsilon_(options.adam_epsilon),
      weight_decay_(options.weight_decay) {
  for (auto& [name, tensor, decay] : parameters) {
    const bool half = tensor.scalar_type() != at::kFloat;
    slots_.push_back({.name = name,
                      .parameter = tensor,
                      .master = half ? tensor.detach().to(at::kFloat) : tensor,
                      .mean = float32_zeros_like(tensor),
                      .mean_square = float32_zeros_like(tensor),
                      .decay = decay});
  }
}

void AdamW::collect_gradients() {
  const at::NoGradGuard no_grad;
  for (auto& slot : slots_) {
    auto& gradient = slot.parameter.mutable_grad();
    if (!slot.half() || !gradient.defined()) continue;
    if (slot.gradient_sum.defined()) {
      slot.gradient_sum.add_(gradient);
    } else {
      slot.gradient_sum = gradient.to(at::kFloat);
    }
    gradient.reset();
  }
}

std::vector<at::Tensor> AdamW::gradients() const {
  std::vector<at::Tensor> found;
  for (const auto& slot : slots_) {
    if (auto gradient = slot.gradient(); gradient.defined()) found.push_back(std::move(gradient));
  }
  return found;
}

void AdamW::update(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++updates_;
  for (auto& slot : slots_) {
    const auto gradient = slot.gradient();
    if (!gradient.defined()) continue;
    const auto count = at::full({}, static_cast<double>(updates_), slot.mean.options());
    at::_fused_adamw_({slot.master}, {gradient}, {slot.mean}, {slot.mean_square}, {}, {count},
                      learning_rate, beta1_, beta2_, slot.decay ? weight_decay_ : 0.0, epsilon_,
                      /*amsgrad=*/false, /*maximize=*/false);
    if (slot.half()) slot.parameter.copy_(slot.master);
  }
  clear_gradients();
}

void AdamW::clear_gradients() {
  for (auto& slot : slots_) {
    slot.parameter.mutable_grad().reset();
    slot.gradient_sum.reset();
  }
}

std::vector<std::pair<std::string, at::Tensor>> AdamW::state() const {
  std::vector<std::pair<std::string, at::Tensor>> named;
  for (const auto& slot : slots_) {
    named.emplace_back("mean." + slot.name, slot.mean);
    named.emplace_back("mean_square." + slot.name, slot.mean_square);
    if (slot.half()) named.emplace_back("master." + slot.name, slot.master);
  }
  return named;
}

at::Tensor gradient_norm(const std::vector<at::Tensor>& gradients) {
  if (gradients.empty()) return at::zeros({}, at::kFloat);
  if (gradients.front().is_cpu()) return gradient_norm_on_cpu(gradients);
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients)));
}

void clip_to_norm_(const std::vector<at::Tensor>& gradients, double norm, double max_norm) {
  constexpr double kEpsilon = 1e-6;  // torch.nn.utils.clip_grad_norm_
  const double scale = max_norm / (norm + kEpsilon);
  if (max_norm <= 0 || scale >= 1.0) return;
  for (const auto& gradient : gradients) gradient.mul_(scale);
}

}  // namespace tunewright::train

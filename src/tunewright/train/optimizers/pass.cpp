#include "tunewright/train/optimizers/pass.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/update_kernels.h"

namespace tunewright::train {
namespace {

namespace kernels = ops::kernels;
using kernels::BFloat16Bits;

constexpr int64_t kNumbersOfBlock = 8;  // that one block of random bits serves
constexpr int64_t kGrain = 4;           // pieces that are worth waking a thread for
// Of a step's random blocks: enough for tensors of 2^39 numbers, and for 2^27 steps.
constexpr int64_t kStepShift = 36;

BFloat16Bits* bits_of(const at::Tensor& parameter) {
  return static_cast<BFloat16Bits*>(parameter.mutable_data_ptr());
}

// The bits are a function of seed, name, step and place alone: a resumed run rounds as the
// uninterrupted one.
kernels::RandomBlocks random_blocks(const Weight& weight, const Step& step) {
  return {.seed = step.seed,
          .stream = stream_id(str("stochastic rounding ", weight.name)),
          .first = static_cast<uint64_t>(step.number) << kStepShift};
}

struct WeightPass {
  Weight* weight = nullptr;
  size_t index = 0;
  at::Tensor gradient;
  kernels::RandomBlocks random;
};

void round_to(const WeightPass& pass, const float* values, int64_t begin, int64_t size) {
  auto* out = bits_of(pass.weight->parameter) + begin;
  if (pass.weight->master.defined()) return kernels::round_row(values, out, size);
  auto random = pass.random;
  random.first += static_cast<uint64_t>(begin / kNumbersOfBlock);
  kernels::stochastic_round_row(values, out, size, random);
}

void update_piece(const WeightPass& pass, int64_t begin,
                  const std::function<void(const Piece&)>& body) {
  const auto& weight = *pass.weight;
  const int64_t size = std::min(kPiece, weight.parameter.numel() - begin);
  float widened[kPiece];
  float* values = widened;
  if (weight.master.defined()) {
    values = weight.master.mutable_data_ptr<float>() + begin;
  } else {
    kernels::widen_row(bits_of(weight.parameter) + begin, widened, size);
  }
  body({.index = pass.index,
        .begin = begin,
        .size = size,
        .values = values,
        .gradient = pass.gradient.const_data_ptr<float>() + begin});
  if (weight.parameter.scalar_type() == at::kBFloat16) round_to(pass, values, begin, size);
}

std::vector<WeightPass> passes_of(const Weights& weights, const Step& step) {
  std::vector<WeightPass> passes;
  for (size_t i = 0; i < weights.size(); ++i) {
    const auto gradient = weights[i]->gradient();
    if (!gradient.defined()) continue;
    TUNEWRIGHT_ASSERT(weights[i]->parameter.is_contiguous());
    passes.push_back({.weight = weights[i],
                      .index = i,
                      .gradient = gradient.contiguous(),
                      .random = random_blocks(*weights[i], step)});
  }
  return passes;
}

void stochastic_round_(const WeightPass& pass, const at::Tensor& values) {
  const auto from = values.contiguous();
  if (from.is_cuda())
    return ops::cuda::stochastic_round_(pass.weight->parameter, from, pass.random);
  const int64_t pieces = (from.numel() + kPiece - 1) / kPiece;
  at::parallel_for(0, pieces, kGrain, [&](int64_t first, int64_t end) {
    for (int64_t begin = first * kPiece; begin < std::min(end * kPiece, from.numel());
         begin += kPiece) {
      round_to(pass, from.const_data_ptr<float>() + begin, begin,
               std::min(kPiece, from.numel() - begin));
    }
  });
}

// The float32 numbers that a rule is to change.
at::Tensor values_of(const Weight& weight) {
  return weight.master.defined() ? weight.master : weight.parameter.to(at::kFloat);
}

class RulePair final : public UpdateRule {
 public:
  RulePair(std::unique_ptr<UpdateRule> first, std::unique_ptr<UpdateRule> second)
      : first_(std::move(first)), second_(std::move(second)) {}
  void update(const Step& step) override {
    first_->update(step);
    second_->update(step);
  }
  NamedTensors state() const override {
    auto named = first_->state();
    for (auto& entry : second_->state()) named.push_back(std::move(entry));
    return named;
  }

 private:
  std::unique_ptr<UpdateRule> first_, second_;
};

}  // namespace

bool on_host(const Weights& weights) {
  return std::ranges::all_of(weights, [](const auto* w) { return w->parameter.is_cpu(); });
}

void for_pieces(const Weights& weights, const Step& step,
                const std::function<void(const Piece&)>& body) {
  struct Place {
    size_t pass;
    int64_t begin;
  };
  const auto passes = passes_of(weights, step);
  std::vector<Place> places;
  for (size_t i = 0; i < passes.size(); ++i) {
    const int64_t numbers = passes[i].weight->parameter.numel();
    for (int64_t begin = 0; begin < numbers; begin += kPiece) places.push_back({i, begin});
  }
  at::parallel_for(0, static_cast<int64_t>(places.size()), kGrain, [&](int64_t first, int64_t end) {
    for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(end); ++i)
      update_piece(passes[places[i].pass], places[i].begin, body);
  });
  for (const auto& pass : passes) {
    if (auto& parameter = pass.weight->parameter; parameter.scalar_type() == at::kHalf)
      parameter.copy_(pass.weight->master);
  }
}

void for_tensors(
    const Weights& weights, const Step& step,
    const std::function<void(size_t index, at::Tensor& values, const at::Tensor& gradient)>& body) {
  for (const auto& pass : passes_of(weights, step)) {
    auto& weight = *pass.weight;
    auto values = values_of(weight);
    const auto gradient =
        step.gradient_scale == 1.0 ? pass.gradient : pass.gradient * step.gradient_scale;
    body(pass.index, values, gradient);
    if (!weight.master.defined()) {
      stochastic_round_(pass, values);
    } else if (weight.half()) {
      weight.parameter.copy_(values);
    }
  }
}

void for_all_tensors(const Weights& weights, const Step& step,
                     const std::function<void(const Tensors& tensors)>& body) {
  const auto passes = passes_of(weights, step);
  std::vector<at::Tensor> copies,
      masters;  // half-precision parameters and what they are rounded from
  for (const bool decay : {true, false}) {
    Tensors tensors;
    std::vector<const WeightPass*> chosen;
    for (const auto& pass : passes) {
      if (pass.weight->decay != decay) continue;
      chosen.push_back(&pass);
      tensors.indices.push_back(pass.index);
      tensors.values.push_back(values_of(*pass.weight));
      tensors.gradients.push_back(pass.gradient);
    }
    if (chosen.empty()) continue;
    body(tensors);
    for (size_t i = 0; i < chosen.size(); ++i) {
      const auto& weight = *chosen[i]->weight;
      if (!weight.master.defined()) {
        stochastic_round_(*chosen[i], tensors.values[i]);
      } else if (weight.half()) {
        copies.push_back(weight.parameter);
        masters.push_back(weight.master);
      }
    }
  }
  if (!copies.empty()) at::_foreach_copy_(copies, masters);
}

std::vector<at::Tensor> selected(const std::vector<at::Tensor>& all, const Tensors& tensors) {
  std::vector<at::Tensor> chosen;
  for (const auto index : tensors.indices) chosen.push_back(all[index]);
  return chosen;
}

std::optional<at::Tensor> gradient_divisor(double scale, const at::Tensor& like) {
  if (scale == 1.0) return std::nullopt;
  return at::full({}, 1.0 / scale, like.options());
}

std::vector<at::Tensor> zeros_for(const Weights& weights) {
  std::vector<at::Tensor> zeros;
  for (const auto* weight : weights) {
    const auto& parameter = weight->parameter;
    zeros.push_back(at::zeros(parameter.sizes(), parameter.options().dtype(at::kFloat)));
  }
  return zeros;
}

void append_named(NamedTensors& named, const std::string& prefix, const Weights& weights,
                  const std::vector<at::Tensor>& tensors) {
  for (size_t i = 0; i < weights.size(); ++i) {
    if (tensors[i].defined()) named.emplace_back(prefix + "." + weights[i]->name, tensors[i]);
  }
}

std::unique_ptr<UpdateRule> both(std::unique_ptr<UpdateRule> first,
                                 std::unique_ptr<UpdateRule> second) {
  return std::make_unique<RulePair>(std::move(first), std::move(second));
}

}  // namespace tunewright::train

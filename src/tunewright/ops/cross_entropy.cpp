#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/kernels.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/product.h"

namespace tunewright::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Numbers of a chunk's logits: 64 MiB of float32; on a device, which wants larger products, 256
// MiB.
constexpr int64_t kChunkNumbers = 16 << 20, kChunkNumbersOnDevice = 64 << 20;

int64_t chunk_rows(const at::Tensor& head) {
  const int64_t vocab_size = head.size(0);
  if (!head.is_cpu()) return std::clamp<int64_t>(kChunkNumbersOnDevice / vocab_size, 16, 2048);
  return std::clamp<int64_t>(kChunkNumbers / vocab_size, 16, 512);
}

at::Tensor chunk_logits(const at::Tensor& hidden, const at::Tensor& head, int64_t begin,
                        int64_t rows) {
  const auto part = hidden.narrow(0, begin, rows);
  return part.is_cuda() ? float_product(part, head.t()) : product(part, head).to(at::kFloat);
}

// Row losses, and in place of the logits their gradient where `gradient` is set.
at::Tensor cross_entropy_rows_(at::Tensor& logits, const at::Tensor& labels,
                               const at::Tensor& weights, bool gradient) {
  const int64_t rows = logits.size(0), V = logits.size(1);
  if (logits.is_cuda()) return cuda::cross_entropy_rows_(logits, labels, weights, gradient);
  const auto losses = at::empty({rows}, logits.options());
  at::parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* row = logits.mutable_data_ptr<float>() + i * V;
      const int64_t label = labels.const_data_ptr<int64_t>()[i];
      const float weight = weights.const_data_ptr<float>()[i];
      const float normaliser = kernels::log_sum_exp_row(row, V);
      losses.mutable_data_ptr<float>()[i] = weight * (normaliser - row[label]);
      if (!gradient) continue;
      kernels::scaled_exp_row(row, V, normaliser, weight);
      row[label] -= weight;
    }
  });
  return losses;
}

// Whether the logits' gradient is rounded to this operand's type and multiplied in it, as a
// device's matrix instructions want it.  On the CPU it stays float32.
bool takes_rounded_gradient(const at::Tensor& operand) {
  return !operand.is_cpu() && operand.scalar_type() != at::kFloat;
}

// part [M, D] += dlogits head.
void add_hidden_gradient_(at::Tensor& part, const at::Tensor& dlogits, const at::Tensor& head) {
  if (!takes_rounded_gradient(head)) return add_product_transposed_(part, dlogits, head);
  part.add_(float_product(dlogits.to(head.scalar_type()), head));
}

// dhead [V, D] += dlogits^T hidden.
void add_head_gradient_(at::Tensor& dhead, const at::Tensor& dlogits, const at::Tensor& hidden) {
  if (takes_rounded_gradient(hidden)) {
    dhead.add_(outer_product(dlogits.to(hidden.scalar_type()), hidden));
  } else {
    dhead.addmm_(dlogits.t(), hidden.to(at::kFloat));
  }
}

struct Wanted {
  bool hidden = false, head = false;
};

struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden, const at::Tensor& head,
                            const at::Tensor& labels, const at::Tensor& weights, Wanted wanted) {
    const auto float_options = hidden.options().dtype(at::kFloat);
    auto dhidden = wanted.hidden ? at::zeros(hidden.sizes(), float_options) : at::Tensor();
    auto dhead = wanted.head ? at::zeros(head.sizes(), float_options) : at::Tensor();
    auto loss = at::zeros({}, float_options);
    const int64_t M = hidden.size(0), step = chunk_rows(head);
    for (int64_t begin = 0; begin < M; begin += step) {
      const int64_t rows = std::min(step, M - begin);
      auto logits = chunk_logits(hidden, head, begin, rows);
      loss += cross_entropy_rows_(logits, labels.narrow(0, begin, rows),
                                  weights.narrow(0, begin, rows), wanted.hidden || wanted.head)
                  .sum();
      if (wanted.hidden) {
        auto part = dhidden.narrow(0, begin, rows);
        add_hidden_gradient_(part, logits, head);
      }
      if (wanted.head) add_head_gradient_(dhead, logits, hidden.narrow(0, begin, rows));
    }
    ctx->save_for_backward({dhidden, dhead});
    ctx->saved_data["hidden_dtype"] = static_cast<int64_t>(hidden.scalar_type());
    ctx->saved_data["head_dtype"] = static_cast<int64_t>(head.scalar_type());
    return loss;
  }
  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const auto saved = ctx->get_saved_variables();
    const auto scaled = [&](const at::Tensor& gradient, const char* key) {
      if (!gradient.defined()) return gradient;
      return (gradient * grads[0]).to(static_cast<at::ScalarType>(ctx->saved_data[key].toInt()));
    };
    return {scaled(saved[0], "hidden_dtype"), scaled(saved[1], "head_dtype"), at::Tensor(),
            at::Tensor(), at::Tensor()};
  }
};

void check_labels(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& labels) {
  TUNEWRIGHT_ASSERT(hidden.dim() == 2 && head.dim() == 2 && hidden.size(1) == head.size(1));
  TUNEWRIGHT_ASSERT(labels.dim() == 1 && labels.size(0) == hidden.size(0) &&
                    labels.scalar_type() == at::kLong);
  if (!labels.device().is_cpu()) return;  // reading them back would wait for the device
  const auto* first = labels.contiguous().const_data_ptr<int64_t>();
  TUNEWRIGHT_ASSERT(std::all_of(first, first + labels.size(0),
                                [&](int64_t l) { return l >= 0 && l < head.size(0); }));
}

}  // namespace

at::Tensor linear_cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head,
                                    const at::Tensor& labels, const at::Tensor& weights) {
  const auto contiguous_labels = labels.contiguous();
  check_labels(hidden, head, contiguous_labels);
  TUNEWRIGHT_ASSERT(weights.sizes() == labels.sizes() && weights.scalar_type() == at::kFloat);
  const bool recording = at::GradMode::is_enabled();
  const Wanted wanted{recording && hidden.requires_grad(), recording && head.requires_grad()};
  return LinearCrossEntropy::apply(hidden.contiguous(), head, contiguous_labels,
                                   weights.contiguous(), wanted);
}

LabelScores label_scores(const at::Tensor& hidden, const at::Tensor& head,
                         const at::Tensor& labels) {
  const at::NoGradGuard no_grad;
  const auto contiguous_labels = labels.contiguous();
  check_labels(hidden, head, contiguous_labels);
  const int64_t M = hidden.size(0), step = chunk_rows(head);
  const auto ones = at::ones({M}, hidden.options().dtype(at::kFloat));
  LabelScores scores{at::empty({M}, ones.options()),
                     at::empty({M}, ones.options().dtype(at::kBool))};
  for (int64_t begin = 0; begin < M; begin += step) {
    const int64_t rows = std::min(step, M - begin);
    auto logits = chunk_logits(hidden, head, begin, rows);
    const auto part_labels = contiguous_labels.narrow(0, begin, rows);
    scores.is_argmax.narrow(0, begin, rows).copy_(logits.argmax(-1).eq(part_labels));
    scores.logprobs.narrow(0, begin, rows)
        .copy_(cross_entropy_rows_(logits, part_labels, ones.narrow(0, begin, rows), false).neg());
  }
  return scores;
}

}  // namespace tunewright::ops

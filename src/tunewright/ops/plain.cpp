// The definitions: short, slow and obviously right.  Shapes as in ops.h.
#include <ATen/ATen.h>

#include <limits>

#include "tunewright/ops/ops.h"

namespace tunewright::ops::plain {

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double epsilon) {
  const auto x32 = x.to(at::kFloat);
  const auto normed = x32 * (x32.pow(2).mean(-1, true) + epsilon).rsqrt();
  return weight * normed.to(x.scalar_type());
}

ResidualNorm residual_rms_norm(const at::Tensor& x, const at::Tensor& residual,
                               const at::Tensor& weight, double epsilon) {
  const auto sum = x + residual;
  return {sum, rms_norm(sum, weight, epsilon)};
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon) {
  const auto centred = x.to(at::kFloat) - x.to(at::kFloat).mean(-1, true);
  const auto normed = centred * (centred.pow(2).mean(-1, true) + epsilon).rsqrt();
  return (weight.to(at::kFloat) * normed + bias.to(at::kFloat)).to(x.scalar_type());
}

at::Tensor rotary(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const auto halves = x.to(at::kFloat).chunk(2, -1);
  const auto c = cosine.unsqueeze(1), s = sine.unsqueeze(1);  // [N, 1, E/2]
  const auto first = halves[0] * c - halves[1] * s;
  const auto second = halves[1] * c + halves[0] * s;
  return at::cat({first, second}, -1).to(x.scalar_type());
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  return (at::silu(gate.to(at::kFloat)) * up.to(at::kFloat)).to(gate.scalar_type());
}

at::Tensor geglu(const at::Tensor& gate, const at::Tensor& up) {
  return (at::gelu(gate.to(at::kFloat), "tanh") * up.to(at::kFloat)).to(gate.scalar_type());
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                  const std::optional<at::Tensor>& bias) {
  auto y = at::matmul(x.to(at::kFloat), weight.to(at::kFloat).t());
  if (bias) y = y + bias->to(at::kFloat);
  return y.to(x.scalar_type());
}

at::Tensor lora_linear(const at::Tensor& x, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias, const LoraArguments& lora) {
  const auto x32 = x.to(at::kFloat);
  auto y = at::matmul(x32, weight.to(at::kFloat).t());
  if (bias) y = y + bias->to(at::kFloat);
  const auto down = at::matmul(x32, lora.lora_a.to(at::kFloat).t());  // [N, r]
  return (y + at::matmul(down, lora.lora_b.to(at::kFloat).t()) * lora.scale).to(x.scalar_type());
}

at::Tensor span_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          std::span<const int64_t> offsets, double scale, int64_t window) {
  const int64_t group = q.size(1) / k.size(1);
  std::vector<at::Tensor> outputs;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const auto slice = [&](const at::Tensor& x) {
      return x.slice(0, offsets[i], offsets[i + 1]).transpose(0, 1);
    };
    const auto q_hle = slice(q).to(at::kFloat);
    const auto k_hle = slice(k).to(at::kFloat).repeat_interleave(group, 0);
    const auto v_hle = slice(v).to(at::kFloat).repeat_interleave(group, 0);
    const auto rows = at::arange(q_hle.size(1), q.options().dtype(at::kLong));
    const auto distance = rows.unsqueeze(1) - rows.unsqueeze(0);  // query index - key index
    auto hidden = distance.lt(0);
    if (window > 0) hidden = hidden.logical_or(distance.ge(window));
    const auto scores = at::matmul(q_hle, k_hle.transpose(1, 2)) * scale;
    const auto weights =
        scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()).softmax(-1);
    outputs.push_back(at::matmul(weights, v_hle).transpose(0, 1));
  }
  return at::cat(outputs, 0).to(q.scalar_type());
}

at::Tensor linear_cross_entropy_sum(const at::Tensor& hidden, const at::Tensor& head,
                                    const at::Tensor& labels, const at::Tensor& weights) {
  const auto logits = at::matmul(hidden.to(at::kFloat), head.to(at::kFloat).t());
  const auto logprobs = logits.log_softmax(-1).gather(1, labels.unsqueeze(1)).squeeze(1);
  return -(logprobs * weights).sum();
}

}  // namespace tunewright::ops::plain

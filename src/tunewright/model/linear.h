#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "ATen/core/Tensor.h"
#include "tunewright/ops/weight.h"

namespace tunewright::model {

// A trained or trainable low-rank update of a linear layer.
struct LoraWeights {
  at::Tensor a, b;  // [r, D], [O, r] float32
  double scale = 1.0;
  double dropout = 0.0;
};

// A linear layer of a model: what adapters are put on.
struct Linear {
  std::string name;                // Hugging Face's module name: "model.layers.0.self_attn.q_proj"
  ops::Weight weight;              // [O, D]; dense, or quantised and frozen
  std::optional<at::Tensor> bias;  // [O]
  std::optional<LoraWeights> lora;
};

}  // namespace tunewright::model

#pragma once
#include <cstdint>
#include <string>

#include "ATen/core/Tensor.h"
#include "tunewright/base/json.h"

namespace tunewright::model {

enum class RopeType { kDefault, kLinear, kDynamic, kLlama3, kYarn };

// Rotary position embedding, with the scalings of transformers' modeling_rope_utils.
struct RopeConfig {
  RopeType type = RopeType::kDefault;
  int64_t head_dim = 0;
  int64_t max_positions = 0;
  double theta = 10000.0;
  double factor = 1.0;
  double original_max_positions = 0.0;  // llama3, yarn: the length of pre-training
  double low_frequency_factor = 1.0, high_frequency_factor = 4.0;  // llama3
  double attention_factor = 1.0;             // yarn: multiplies cosine and sine
  double beta_fast = 32.0, beta_slow = 1.0;  // yarn
  bool truncate = true;                      // yarn
};

// Reads `rope_parameters`, or `rope_scaling` and `rope_theta`, of a config.json.
RopeConfig read_rope(const Json& config, int64_t head_dim, int64_t max_positions);

// [E/2] float32, for a sequence of `length` tokens (only kDynamic looks at it).
at::Tensor inverse_frequencies(const RopeConfig& rope, int64_t length);

struct RotaryTables {
  at::Tensor cosine, sine;  // [N, E/2] float32
};
RotaryTables rotary_tables(const RopeConfig& rope, const at::Tensor& positions);  // [N] int64

}  // namespace tunewright::model

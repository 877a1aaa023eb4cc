#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/model/rope.h"

namespace tunewright::model {

// What the decoder-only architectures differ in.  Each architecture's file fills it from
// config.json.
struct DecoderConfig {
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  int64_t num_layers = 0, num_heads = 0, num_key_value_heads = 0, head_dim = 0;
  int64_t max_positions = 0;
  double rms_norm_epsilon = 1e-6;
  bool tied = false;  // the output embedding is the input embedding
  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  bool qk_norm = false;          // RMS norm of each query and key head
  std::vector<int64_t> windows;  // of each layer; 0: full attention
  RopeConfig rope;
};

// What transformers assumes where config.json is silent.
struct DecoderDefaults {
  int64_t vocab_size, intermediate_size, num_key_value_heads /* 0: num_heads */,
      head_dim /* 0: hidden_size / num_heads */;
  int64_t max_positions;
};

// The keys that all architectures share, checked; windows are all 0.
DecoderConfig read_decoder_config(const Json& config, const DecoderDefaults& defaults);

DecoderConfig llama_config(const Json& config);
DecoderConfig mistral_config(const Json& config);
DecoderConfig qwen2_config(const Json& config);
DecoderConfig qwen3_config(const Json& config);

// Values of config.json; absent and null give the fallback, a wrong type is a UserError.
int64_t config_integer(const Json& config, const char* key, int64_t fallback);
bool config_flag(const Json& config, const char* key, bool fallback);

// Looks the architecture up in the table of known ones.
DecoderConfig decoder_config(const Json& config);

}  // namespace tunewright::model

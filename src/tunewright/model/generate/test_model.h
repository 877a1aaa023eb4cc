#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/random.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::model::testing {

inline constexpr int64_t kVocabulary = 61, kPositions = 48;

inline at::Tensor random_tensor(at::IntArrayRef shape, Random& random) {
  auto tensor = at::empty(shape, at::kFloat);
  float* data = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) data[i] = static_cast<float>(random.normal() * 0.3);
  return tensor;
}

// A Llama of two layers with random weights; `changes` to its configuration.
inline std::unique_ptr<CausalLm> tiny_model(const Json& changes = Json::object()) {
  Json config = {{"architectures", {"LlamaForCausalLM"}},
                 {"model_type", "llama"},
                 {"vocab_size", kVocabulary},
                 {"hidden_size", 32},
                 {"intermediate_size", 48},
                 {"num_hidden_layers", 2},
                 {"num_attention_heads", 4},
                 {"num_key_value_heads", 2},
                 {"hidden_act", "silu"},
                 {"max_position_embeddings", kPositions},
                 {"rms_norm_eps", 1e-5},
                 {"rope_theta", 10000.0},
                 {"tie_word_embeddings", true}};
  config.update(changes);
  Random random(11);
  std::vector<std::pair<std::string, at::Tensor>> weights;
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t columns) {
    weights.emplace_back(name, random_tensor({rows, columns}, random));
  };
  matrix("model.embed_tokens.weight", kVocabulary, 32);
  for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
    matrix(layer + "self_attn.q_proj.weight", 32, 32);
    matrix(layer + "self_attn.k_proj.weight", 16, 32);
    matrix(layer + "self_attn.v_proj.weight", 16, 32);
    matrix(layer + "self_attn.o_proj.weight", 32, 32);
    matrix(layer + "mlp.gate_proj.weight", 48, 32);
    matrix(layer + "mlp.up_proj.weight", 48, 32);
    matrix(layer + "mlp.down_proj.weight", 32, 48);
    weights.emplace_back(layer + "input_layernorm.weight", at::ones({32}));
    weights.emplace_back(layer + "post_attention_layernorm.weight", at::ones({32}));
  }
  weights.emplace_back("model.norm.weight", at::ones({32}));
  return make_causal_lm(config, std::move(weights), at::kFloat);
}

inline std::vector<int32_t> random_ids(size_t size, uint64_t seed) {
  Random random(seed);
  std::vector<int32_t> ids;
  ids.reserve(size);
  for (size_t i = 0; i < size; ++i) ids.push_back(static_cast<int32_t>(random.below(kVocabulary)));
  return ids;
}

}  // namespace tunewright::model::testing

#pragma once
// For tests: the tokenizer of tests/data/tiny_chat, and a Llama of one layer with random weights.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include <memory>

#include "tunewright/base/random.h"
#include "tunewright/base/test.h"
#include "tunewright/data/render.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::eval {

inline data::TextModel tiny_text() {
  return data::TextModel::load(testing::source_path("tests/data/tiny_chat"));
}

inline std::unique_ptr<model::CausalLm> tiny_model(uint64_t seed, int64_t positions = 2048) {
  const int64_t vocabulary = tiny_text().tokenizer.vocab_size();
  const Json config = {{"architectures", {"LlamaForCausalLM"}},
                       {"model_type", "llama"},
                       {"vocab_size", vocabulary},
                       {"hidden_size", 16},
                       {"intermediate_size", 24},
                       {"num_hidden_layers", 1},
                       {"num_attention_heads", 2},
                       {"num_key_value_heads", 2},
                       {"hidden_act", "silu"},
                       {"max_position_embeddings", positions},
                       {"rms_norm_eps", 1e-5},
                       {"rope_theta", 10000.0},
                       {"tie_word_embeddings", true}};
  Random random(seed);
  std::vector<std::pair<std::string, at::Tensor>> weights;
  const auto matrix = [&](const std::string& name, int64_t rows, int64_t columns) {
    auto tensor = at::empty({rows, columns}, at::kFloat);
    auto* data = tensor.mutable_data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); ++i)
      data[i] = static_cast<float>(random.normal() * 0.3);
    weights.emplace_back(name, std::move(tensor));
  };
  const std::string layer = "model.layers.0.";
  matrix("model.embed_tokens.weight", vocabulary, 16);
  for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
    matrix(layer + "self_attn." + name + ".weight", 16, 16);
  matrix(layer + "mlp.gate_proj.weight", 24, 16);
  matrix(layer + "mlp.up_proj.weight", 24, 16);
  matrix(layer + "mlp.down_proj.weight", 16, 24);
  for (const auto& name :
       {layer + "input_layernorm", layer + "post_attention_layernorm", std::string("model.norm")})
    weights.emplace_back(name + ".weight", at::ones({16}, at::kFloat));
  return model::make_causal_lm(config, std::move(weights), at::kFloat);
}

}  // namespace tunewright::eval

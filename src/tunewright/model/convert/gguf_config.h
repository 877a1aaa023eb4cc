#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/io/gguf.h"

namespace tunewright::model {

// What a GGUF file says of its model.
struct GgufModel {
  std::string architecture;  // as GGUF names it
  std::string model_type;    // as Hugging Face names it: llama, mistral, qwen2, qwen3
  int64_t num_layers = 0, hidden_size = 0, intermediate_size = 0, vocab_size = 0, max_positions = 0;
  int64_t num_heads = 0, num_kv_heads = 0, head_dim = 0;
  bool rotary_interleaved =
      false;  // rows of q and k are stored in pairs and must be put back in halves
  bool tied_embeddings = false;
};

// An architecture that is not known, or a missing or senseless key, is a UserError.
GgufModel gguf_model(const io::GgufHeader& header, std::string_view where);

// config.json.  `rope_factors` is rope_freqs.weight where the file has one; `dtype` "float32", ….
Json hf_config(const GgufModel& model, const io::GgufHeader& header,
               const std::vector<float>& rope_factors, const std::string& dtype,
               std::string_view where);

// generation_config.json.
Json hf_generation_config(const io::GgufHeader& header, std::string_view where);

// A metadata number that must be a token of the vocabulary; none where the key is absent.
std::optional<int64_t> token_id(const io::GgufHeader& header, const std::string& key,
                                std::string_view where);

}  // namespace tunewright::model

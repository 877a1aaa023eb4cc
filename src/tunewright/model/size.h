#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "tunewright/model/options.h"

// What a model takes, known from config.json and the headers of its weights alone.
namespace tunewright::model {

// Numbers are counts, whatever their format, where no unit is named.
struct ModelSize {
  int64_t blocks = 0;
  int64_t hidden = 0, inner = 0, query = 0, key = 0;  // widths: D, I, H · E, K · E
  int64_t vocabulary = 0;
  bool own_head = false;     // besides the embedding
  int64_t embedding = 0;     // V · D; the head has as many
  int64_t block_matrix = 0;  // in the linear layers of a block
  int64_t block_other = 0;   // norms and biases of a block
  int64_t outside = 0;       // neither embedding nor head nor in a block
  int64_t block_lora = 0;    // of the adapter in a block; 0 where its targets are a pattern
  int64_t block_inputs = 0;  // widths of the adapted layers' updates in a block, summed: r each
  int64_t dtype_bytes = 4;   // of weights and activations
  double matrix_bytes = 4;   // of a number in a linear layer: fewer where quantised

  int64_t block() const { return block_matrix + block_other; }
  int64_t total() const;
  double weight_bytes() const;
};

// An unknown architecture and damaged headers are the UserErrors of loading.
ModelSize model_size(const ModelOptions& options, const AdapterOptions& adapter);

// 3 of "model.layers.3.mlp.up_proj.weight"; none for weights outside the blocks.
std::optional<int64_t> block_of(std::string_view weight_name);

}  // namespace tunewright::model

#pragma once
#include <vector>

#include "tunewright/model/causal_lm.h"

namespace tunewright::model {

// Of each layer, [capacity, K, E]; the first `length` rows are in use.
struct KvCache::Layers {
  std::vector<at::Tensor> keys, values;
  int64_t length = 0;

  // Makes room for `added` more tokens of layers [., K, E].
  void reserve(size_t num_layers, int64_t added, at::IntArrayRef token_shape,
               const at::TensorOptions& options);
  // Writes the tokens after `length` and returns keys and values up to and with them.
  struct View {
    at::Tensor keys, values;
  };
  View append(size_t layer, const at::Tensor& new_keys, const at::Tensor& new_values);
};

}  // namespace tunewright::model

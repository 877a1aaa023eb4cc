#pragma once
#include <cstdint>
#include <filesystem>

#include "ATen/core/Tensor.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/options.h"
#include "tunewright/ops/weight.h"

namespace tunewright::model {

// The checkpoint's tensors in the dtype and on the device of `options`, or quantised from the
// numbers that are stored.  kGguf is a UserError that names --keep-gguf where `folder` has no
// model.gguf, and on another device than the CPU.
LinearStorage linear_storage(Quantization quantization, const at::TensorOptions& options,
                             const std::filesystem::path& folder);

// Of the matrices that are quantised; zeros without.
struct QuantizedSize {
  int64_t numbers = 0, bytes = 0;
};
QuantizedSize quantized_size(CausalLm& model);
bool is_quantized(CausalLm& model);
int64_t weight_bytes(CausalLm& model);  // of the base, dense and quantised

Json quantization_json(Quantization quantization);  // "nf4", …; null for none

}  // namespace tunewright::model

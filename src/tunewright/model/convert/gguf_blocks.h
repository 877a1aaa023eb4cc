#pragma once
#include <filesystem>

#include "tunewright/model/causal_lm.h"

namespace tunewright::model {

// The GGUF file that `pull --keep-gguf` leaves beside the model it made.
inline constexpr const char* kGgufFile = "model.gguf";

// Linear layers as `file` stores them: quantised blocks stay in the mapped file and are decoded
// when they are used; matrices of floats become tensors of `dtype`.  A file that is not there, or a
// tensor that is not the model's, is a UserError.
LinearStorage gguf_storage(const std::filesystem::path& file, at::ScalarType dtype);

}  // namespace tunewright::model

#pragma once
#include <filesystem>

#include "tunewright/base/progress.h"
#include "tunewright/io/dtype.h"

namespace tunewright::model {

struct GgufConversion {
  io::DType dtype = io::DType::kF32;  // kF32 keeps every number exactly; kBF16 and kF16 round
};

// Writes the model of a GGUF file into `folder` (which is there) as Hugging Face lays it out:
// config.json, generation_config.json, model.safetensors, tokenizer.json and its companions.
void convert_gguf(const std::filesystem::path& gguf, const std::filesystem::path& folder,
                  const GgufConversion& options, Reporter& reporter);

}  // namespace tunewright::model

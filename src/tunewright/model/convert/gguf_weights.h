#pragma once
#include <filesystem>
#include <string_view>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/io/dtype.h"
#include "tunewright/io/gguf.h"
#include "tunewright/model/convert/gguf_config.h"

namespace tunewright::model {

// Writes all weights under their Hugging Face names, dequantised, in `dtype` (kF32, kBF16 or kF16).
// A weight that is missing, unknown or of the wrong shape is a UserError.
void write_hf_weights(const io::Gguf& gguf, const GgufModel& model, io::DType dtype,
                      const std::filesystem::path& out, std::string_view where, Reporter& reporter);

// rope_freqs.weight as numbers; empty where the file has none.
std::vector<float> rope_factors(const io::Gguf& gguf);

// Rows of each head from pairs (0, 1), (2, 3), … back to halves (0, 2, …), (1, 3, …), as Hugging
// Face rotates them.  values [rows, columns], rows = heads · head_dim.
void undo_rotary_pairs(std::vector<float>& values, int64_t head_dim, int64_t columns);

}  // namespace tunewright::model

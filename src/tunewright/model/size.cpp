#include "tunewright/model/size.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/decoder_config.h"

namespace tunewright::model {
namespace {

constexpr std::string_view kPrefix = "model.layers.";

int64_t count_of(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

// As io::targets_module for plain lists; a pattern is not looked into.
bool is_target(const Json& targets, std::string_view module) {
  if (targets == Json("all-linear")) return true;
  if (!targets.is_array()) return false;
  return std::ranges::any_of(targets, [&](const Json& entry) {
    return entry.is_string() && module.ends_with(entry.get<std::string>());
  });
}

double matrix_bytes(Quantization quantization, int64_t dtype_bytes) {
  constexpr double kNf4 = 0.516, kInt8 = 1.0, kSmallestGguf = 0.25;
  switch (quantization) {
    case Quantization::kNone:
      break;
    case Quantization::kInt8:
      return kInt8;
    case Quantization::kNf4:
      return kNf4;
    case Quantization::kGguf:
      return kSmallestGguf;
  }
  return static_cast<double>(dtype_bytes);
}

void add_block_weight(ModelSize& size, std::string_view name, const std::vector<int64_t>& shape,
                      const AdapterOptions& adapter) {
  const bool matrix = shape.size() == 2;
  (matrix ? size.block_matrix : size.block_other) += count_of(shape);
  constexpr std::string_view kWeight = ".weight";
  if (!matrix || adapter.type != AdapterType::kLora || !name.ends_with(kWeight)) return;
  if (!is_target(adapter.target_modules, name.substr(0, name.size() - kWeight.size()))) return;
  size.block_lora += adapter.r * (shape[0] + shape[1]);
  size.block_inputs += adapter.r;
}

}  // namespace

std::optional<int64_t> block_of(std::string_view weight_name) {
  if (!weight_name.starts_with(kPrefix)) return std::nullopt;
  const auto digits = weight_name.substr(kPrefix.size());
  int64_t block = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), block);
  return read.ec == std::errc() ? std::optional(block) : std::nullopt;
}

int64_t ModelSize::total() const {
  return (own_head ? 2 : 1) * embedding + outside + blocks * block();
}

double ModelSize::weight_bytes() const {
  const auto matrices = static_cast<double>(blocks * block_matrix);
  return static_cast<double>(dtype_bytes) * (static_cast<double>(total()) - matrices) +
         matrix_bytes * matrices;
}

ModelSize model_size(const ModelOptions& options, const AdapterOptions& adapter) {
  const std::filesystem::path folder = options.path;
  const auto config = decoder_config(read_json(folder / "config.json"));
  ModelSize size{.blocks = config.num_layers,
                 .hidden = config.hidden_size,
                 .inner = config.intermediate_size,
                 .query = config.num_heads * config.head_dim,
                 .key = config.num_key_value_heads * config.head_dim,
                 .vocabulary = config.vocab_size,
                 .own_head = !config.tied,
                 .embedding = config.vocab_size * config.hidden_size};
  const auto dtype = chosen_dtype(options);
  size.dtype_bytes = static_cast<int64_t>(c10::elementSize(dtype));
  size.matrix_bytes = matrix_bytes(options.quantization, size.dtype_bytes);
  const auto file = io::Safetensors::open(folder);
  for (const auto& name : file.names()) {
    const auto shape = file.get(name).shape;
    const auto block = block_of(name);
    if (block == 0) add_block_weight(size, name, shape, adapter);
    if (!block && shape.size() < 2) size.outside += count_of(shape);
  }
  return size;
}

}  // namespace tunewright::model

#include "tunewright/model/convert/gguf_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/model/convert/names.h"

namespace tunewright::model {
namespace {

constexpr const char* kRopeFactors = "rope_freqs.weight";

using Shape = std::vector<int64_t>;

struct Weight {
  std::string gguf_name, hf_name;
  Shape shape;
  bool rotary = false;  // the output rows are rotated
};

// Every weight of the model in Hugging Face's order; optional ones only where the file has them.
class WeightList {
 public:
  WeightList(const io::GgufHeader& header, const GgufModel& model)
      : header_(header), model_(model) {}

  std::vector<Weight> all() {
    const auto D = model_.hidden_size;
    add("model.embed_tokens.weight", {model_.vocab_size, D});
    for (int64_t i = 0; i < model_.num_layers; ++i) add_layer(str("model.layers.", i, "."));
    add("model.norm.weight", {D});
    if (!model_.tied_embeddings) add("lm_head.weight", {model_.vocab_size, D});
    return std::move(weights_);
  }

 private:
  void add_layer(const std::string& layer) {
    const auto D = model_.hidden_size, F = model_.intermediate_size;
    const auto Q = model_.num_heads * model_.head_dim, K = model_.num_kv_heads * model_.head_dim;
    add(layer + "input_layernorm.weight", {D});
    add_linear(layer + "self_attn.q_proj", {Q, D}, model_.rotary_interleaved);
    add_linear(layer + "self_attn.k_proj", {K, D}, model_.rotary_interleaved);
    add_linear(layer + "self_attn.v_proj", {K, D});
    add_linear(layer + "self_attn.o_proj", {D, Q});
    if (model_.model_type == "qwen3") {
      add(layer + "self_attn.q_norm.weight", {model_.head_dim});
      add(layer + "self_attn.k_norm.weight", {model_.head_dim});
    }
    add(layer + "post_attention_layernorm.weight", {D});
    add_linear(layer + "mlp.gate_proj", {F, D});
    add_linear(layer + "mlp.up_proj", {F, D});
    add_linear(layer + "mlp.down_proj", {D, F});
  }

  void add_linear(const std::string& name, Shape shape, bool rotary = false) {
    const Shape bias = {shape[0]};
    add(name + ".weight", std::move(shape), rotary);
    if (header_.tensors.contains(*gguf_name_of(name + ".bias"))) add(name + ".bias", bias, rotary);
  }

  void add(const std::string& name, Shape shape, bool rotary = false) {
    weights_.push_back({*gguf_name_of(name), name, std::move(shape), rotary});
  }

  const io::GgufHeader& header_;
  const GgufModel& model_;
  std::vector<Weight> weights_;
};

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const auto extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

void check_weights(const std::vector<Weight>& weights, const io::GgufHeader& header,
                   std::string_view where) {
  std::set<std::string> known = {kRopeFactors};
  for (const auto& weight : weights) {
    known.insert(weight.gguf_name);
    const auto found = header.tensors.find(weight.gguf_name);
    if (found == header.tensors.end())
      throw UserError(str(where, ": the tensor '", weight.gguf_name, "' is missing"));
    if (found->second.shape != weight.shape) {
      throw UserError(str(where, ": tensor '", weight.gguf_name, "' has the shape ",
                          shape_text(found->second.shape), " where the metadata ask for ",
                          shape_text(weight.shape)));
    }
  }
  for (const auto& [name, tensor] : header.tensors) {
    if (!known.contains(name)) {
      throw UserError(str(where, ": tensor '", excerpt(name),
                          "' belongs to no part of this architecture, so the model ",
                          "would not be the same without it"));
    }
  }
}

uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

// Rounds to nearest, ties to even; beyond the range becomes infinity.
uint16_t to_float16(float value) {
  const auto sign = static_cast<uint16_t>((std::bit_cast<uint32_t>(value) >> 16) & 0x8000U);
  const float size = std::abs(value);
  if (std::isnan(value)) return sign | 0x7e00U;
  if (size >= 65520.0F) return sign | 0x7c00U;
  if (size < 0x1p-14F)
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(size * 0x1p24F)));
  const auto bits = std::bit_cast<uint32_t>(size);
  return static_cast<uint16_t>(sign | ((bits + 0xfffU + ((bits >> 13) & 1U) - (112U << 23)) >> 13));
}

std::vector<std::byte> narrowed(const std::vector<float>& values, io::DType dtype,
                                const std::string& name, std::string_view where) {
  std::vector<std::byte> bytes(values.size() * sizeof(uint16_t));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto narrow = dtype == io::DType::kBF16 ? to_bfloat16(values[i]) : to_float16(values[i]);
    if (dtype == io::DType::kF16 && (narrow & 0x7fffU) == 0x7c00U && std::isfinite(values[i])) {
      throw UserError(
          str(where, ": tensor '", name, "' has the number ", values[i],
              ", which float16 cannot hold (its limit is 65504); use --dtype bfloat16 or float32"));
    }
    std::memcpy(bytes.data() + i * sizeof(narrow), &narrow, sizeof(narrow));
  }
  return bytes;
}

std::vector<float> numbers_of(const io::Gguf& gguf, const io::GgufTensor& tensor) {
  size_t count = 1;
  for (const auto extent : tensor.shape) count *= static_cast<size_t>(extent);
  std::vector<float> values(count);
  io::dequantize(tensor.type, gguf.bytes(tensor), values);
  return values;
}

}  // namespace

void undo_rotary_pairs(std::vector<float>& values, int64_t head_dim, int64_t columns) {
  const auto half = head_dim / 2,
             heads = static_cast<int64_t>(values.size()) / (head_dim * columns);
  const auto source = values;
  for (int64_t row = 0; row < heads * head_dim; ++row) {
    const auto within = row % head_dim;
    const auto from = row - within + 2 * (within % half) + within / half;
    std::copy_n(source.begin() + from * columns, columns, values.begin() + row * columns);
  }
}

std::vector<float> rope_factors(const io::Gguf& gguf) {
  const auto found = gguf.header().tensors.find(kRopeFactors);
  return found == gguf.header().tensors.end() ? std::vector<float>{}
                                              : numbers_of(gguf, found->second);
}

void write_hf_weights(const io::Gguf& gguf, const GgufModel& model, io::DType dtype,
                      const fs::path& out, std::string_view where, Reporter& reporter) {
  const auto& header = gguf.header();
  const auto weights = WeightList(header, model).all();
  check_weights(weights, header, where);
  std::vector<io::SafetensorsWriter::Entry> entries;
  for (const auto& weight : weights) entries.push_back({weight.hf_name, dtype, weight.shape});
  io::SafetensorsWriter writer(out, entries);
  int64_t done = 0;
  for (const auto& weight : weights) {
    auto values = numbers_of(gguf, header.tensors.at(weight.gguf_name));
    if (weight.rotary)
      undo_rotary_pairs(values, model.head_dim, weight.shape.size() == 2 ? weight.shape[1] : 1);
    if (dtype == io::DType::kF32) {
      writer.write(std::as_bytes(std::span(values)));
    } else {
      writer.write(narrowed(values, dtype, weight.gguf_name, where));
    }
    reporter.progress("convert", ++done, static_cast<int64_t>(weights.size()), "tensors", "");
  }
  reporter.finish_progress();
  writer.finish();
}

}  // namespace tunewright::model

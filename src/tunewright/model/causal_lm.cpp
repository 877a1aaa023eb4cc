#include "tunewright/model/causal_lm.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/decoder.h"
#include "tunewright/model/quantize.h"
#include "tunewright/model/size.h"
#include "tunewright/model/weights.h"
#include "tunewright/ops/ops.h"

namespace tunewright::model {
namespace {

constexpr std::array kTokenizerFiles = {
    "tokenizer.json",      "tokenizer_config.json", "special_tokens_map.json",
    "chat_template.jinja", "chat_template.json",    "generation_config.json",
    "added_tokens.json",   "tokenizer.model",       "vocab.json",
    "merges.txt"};

// The checkpoint's own format, that of most of its floats being that of its embedding.
at::ScalarType stored_type(const std::filesystem::path& folder) {
  const auto file = io::Safetensors::open(folder);
  const auto names = file.names();
  if (names.empty()) throw UserError(str(folder.string(), ": the weights hold no tensor"));
  const std::string embedding = "model.embed_tokens.weight";
  return scalar_type(file.get(file.contains(embedding) ? embedding : names.front()).dtype);
}

at::ScalarType choose_type(const ModelOptions& options, at::DeviceType device) {
  switch (options.dtype) {
    case DTypeChoice::kFloat32:
      return at::kFloat;
    case DTypeChoice::kBFloat16:
      return at::kBFloat16;
    case DTypeChoice::kFloat16:
      return at::kHalf;
    case DTypeChoice::kAuto:
      break;
  }
  const auto stored = stored_type(options.path);
  const bool usable = stored == at::kBFloat16 || (stored == at::kHalf && device != at::kCPU);
  return usable ? stored : at::kFloat;
}

void check_folder(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw UserError(str("model.path: ", folder.string(),
                        " is not a folder; make one with `tunewright pull SOURCE --out ",
                        folder.string(), "`"));
  }
}

// The configuration of a model of only the first `count` blocks; 0: as it is.
Json first_blocks_config(Json config, int64_t count) {
  if (count == 0) return config;
  config["num_hidden_layers"] = count;
  if (auto types = config.find("layer_types"); types != config.end() && types->is_array())
    types->erase(types->begin() + count, types->end());
  return config;
}

const char* type_word(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? "bfloat16" : dtype == at::kHalf ? "float16" : "float32";
}

std::string describe_quantization(CausalLm& model, const ModelOptions& options) {
  const auto size = quantized_size(model);
  if (size.numbers == 0) return "";
  return str(", linear layers in ", quantization_json(options.quantization).get<std::string>(),
             " (", human_bytes(double(size.bytes)), ", ",
             fixed(8.0 * double(size.bytes) / double(size.numbers), 2), " bits a number)");
}

}  // namespace

at::DeviceType choose_device(Device device) {
  const bool cuda = at::hasCUDA();
  if (device == Device::kCuda && !cuda) {
    throw UserError(
        "model.device: cuda is asked for, but this machine has no CUDA device, or this program was "
        "built without CUDA (TUNEWRIGHT_TORCH=cuda ./dev build); set it to cpu or auto");
  }
  return device != Device::kCpu && cuda ? at::kCUDA : at::kCPU;
}

at::ScalarType chosen_dtype(const ModelOptions& options) {
  return choose_type(options, choose_device(options.device));
}

at::Tensor CausalLm::logits(const at::Tensor& hidden) const {
  return ops::linear(hidden, head(), std::nullopt).to(at::kFloat);
}

std::unique_ptr<CausalLm> load_causal_lm(const ModelOptions& options, Reporter& reporter) {
  const std::filesystem::path folder = options.path;
  check_folder(folder);
  const auto device = choose_device(options.device);
  const bool quantized = options.quantization != Quantization::kNone;
  const auto dtype = choose_type(options, device);
  const auto config = first_blocks_config(read_json(folder / "config.json"), options.first_blocks);
  try {
    // What is to be quantised stays in the file until its turn, one tensor after the other.
    auto weights = read_weights(
        folder, quantized ? at::ScalarType::Undefined : dtype, [&](const std::string& name) {
          return options.first_blocks == 0 || block_of(name).value_or(0) < options.first_blocks;
        });
    const auto placement = at::TensorOptions().dtype(dtype).device(device);
    std::unique_ptr<CausalLm> model =
        std::make_unique<Decoder>(config, std::move(weights), placement,
                                  linear_storage(options.quantization, placement, folder));
    if (options.adapter) load_adapter(*model, *options.adapter);
    reporter.info(str(folder.string(), ": ", config.value("model_type", std::string("model")),
                      " in ", type_word(dtype), describe_quantization(*model, options)));
    return model;
  } catch (const UserError&) {
    std::throw_with_nested(UserError(folder.string()));
  }
}

std::unique_ptr<CausalLm> make_causal_lm(const Json& config,
                                         std::vector<std::pair<std::string, at::Tensor>> weights,
                                         at::ScalarType dtype, LinearStorage storage) {
  WeightMap map;
  for (auto& [name, tensor] : weights) map.emplace(std::move(name), std::move(tensor));
  if (!storage) storage = linear_storage(Quantization::kNone, dtype, {});
  return std::make_unique<Decoder>(config, std::move(map), dtype, storage);
}

void save_causal_lm(CausalLm& model, const std::filesystem::path& base_folder,
                    const std::filesystem::path& out) {
  if (is_quantized(model)) {
    throw UserError(str(out.string(), ": a quantised model is not written as a model folder; load ",
                        base_folder.string(), " without quantization"));
  }
  WeightList weights;
  for (const auto& parameter : model.base_parameters())
    weights.emplace_back(parameter.name, parameter.tensor);
  std::ranges::sort(weights, {}, [](const auto& entry) { return entry.first; });
  auto config = model.config();
  config.erase("torch_dtype");
  config["dtype"] = type_word(model.dtype());
  write_folder_atomic(out, [&](const fs::path& folder) {
    write_weights(folder / "model.safetensors", weights, model.dtype());
    write_file_atomic(folder / "config.json", pretty_json(config));
    for (const char* name : kTokenizerFiles) {
      if (fs::exists(base_folder / name)) fs::copy_file(base_folder / name, folder / name);
    }
  });
}

}  // namespace tunewright::model

#include "tunewright/model/adapters/lora.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/quantize.h"
#include "tunewright/model/weights.h"

namespace tunewright::model {
namespace {

constexpr const char* kWeightsFile = "adapter_model.safetensors";

std::string peft_name(const Linear& linear, const char* which) {
  return str("base_model.model.", linear.name, ".", which, ".weight");
}

double lora_scale(const io::PeftConfig& config, const io::LoraSize& size) {
  const auto rank = static_cast<double>(size.r);
  return size.alpha / (config.use_rslora ? std::sqrt(rank) : rank);
}

// The last parts of the layers' names, each once: "q_proj, k_proj, …".
std::string layer_kinds(CausalLm& model) {
  std::vector<std::string> kinds;
  for (const auto* linear : model.linears()) {
    const auto kind = linear->name.substr(linear->name.rfind('.') + 1);
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) kinds.push_back(kind);
  }
  return join(kinds, ", ");
}

void check_targets(CausalLm& model, const io::PeftConfig& config) {
  const auto linears = model.linears();
  const auto is_target = [&](const std::string& entry) {
    return std::any_of(linears.begin(), linears.end(), [&](const auto* linear) {
      return linear->name == entry || linear->name.ends_with("." + entry);
    });
  };
  for (const auto& entry : config.target_modules) {
    if (!is_target(entry)) {
      throw UserError(str("adapter.target_modules: '", entry,
                          "' names no layer of this model; known: all-linear, ",
                          layer_kinds(model)));
    }
  }
}

// Uniform on ±1 / sqrt(fan_in): Kaiming's with a = sqrt(5).
at::Tensor kaiming_uniform(int64_t rows, int64_t fan_in, Random& random) {
  auto tensor = at::empty({rows, fan_in}, at::kFloat);
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  float* values = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    values[i] = static_cast<float>((2.0 * random.uniform() - 1.0) * bound);
  return tensor;
}

// Calls body(linear, size) for each layer that the configuration names.
template <class Body>
int64_t for_targets(CausalLm& model, const io::PeftConfig& config, const Body& body) {
  int64_t count = 0;
  for (auto* linear : model.linears()) {
    if (!io::targets_module(config, linear->name)) continue;
    body(*linear, io::lora_size(config, linear->name));
    ++count;
  }
  if (count == 0) {
    throw UserError(str("adapter.target_modules names no layer of this model; known: all-linear, ",
                        layer_kinds(model)));
  }
  return count;
}

at::Tensor take(WeightMap& weights, const std::string& name, at::IntArrayRef shape,
                const fs::path& file) {
  const auto it = weights.find(name);
  if (it == weights.end()) {
    std::vector<std::string> names;
    for (const auto& entry : weights) names.push_back(entry.first);
    throw UserError(str(file.string(), ": no tensor '", name,
                        "', which adapter_config.json asks for", suggestion(name, names)));
  }
  if (it->second.sizes() != shape) {
    throw UserError(tunewright::str(file.string(), ": tensor '", name, "' has the shape ",
                                    it->second.sizes(),
                                    "; the model and adapter_config.json ask for ", shape));
  }
  auto tensor = it->second.to(at::kFloat).clone();  // not a view of the file: it may be trained
  weights.erase(it);
  return tensor;
}

}  // namespace

void add_lora(CausalLm& model, const io::PeftConfig& config, uint64_t seed) {
  TUNEWRIGHT_ASSERT(!has_adapter(model));
  check_targets(model, config);
  for_targets(model, config, [&](Linear& linear, const io::LoraSize& size) {
    Random random(seed, stream_id(linear.name));
    const auto device = linear.weight.device();
    linear.lora =
        LoraWeights{.a = kaiming_uniform(size.r, linear.weight.size(1), random).to(device),
                    .b = at::zeros({linear.weight.size(0), size.r},
                                   at::TensorOptions().dtype(at::kFloat).device(device)),
                    .scale = lora_scale(config, size),
                    .dropout = config.lora_dropout};
  });
  model.adapter() = config;
  model.set_adapter_enabled(true);
}

void load_adapter(CausalLm& model, const std::filesystem::path& folder) {
  if (has_adapter(model))
    throw UserError(
        str(folder.string(), ": the model has an adapter already; merge or drop that one first"));
  const auto config = io::read_peft_config(folder);
  const auto file = folder / kWeightsFile;
  auto weights = read_weights(file, at::ScalarType::Undefined);
  for_targets(model, config, [&](Linear& linear, const io::LoraSize& size) {
    const auto device = linear.weight.device();
    linear.lora = LoraWeights{
        .a = take(weights, peft_name(linear, "lora_A"), {size.r, linear.weight.size(1)}, file)
                 .to(device),
        .b = take(weights, peft_name(linear, "lora_B"), {linear.weight.size(0), size.r}, file)
                 .to(device),
        .scale = lora_scale(config, size),
        .dropout = config.lora_dropout};
  });
  if (!weights.empty()) {
    throw UserError(str(file.string(), ": tensor '", weights.begin()->first,
                        "' belongs to no layer of this model that adapter_config.json names"));
  }
  model.adapter() = config;
  model.set_adapter_enabled(true);
}

void save_adapter(CausalLm& model, const std::filesystem::path& folder,
                  const std::string& base_model_name) {
  TUNEWRIGHT_ASSERT(has_adapter(model));
  auto config = *model.adapter();
  config.base_model_name_or_path = base_model_name;
  std::set<std::string> kinds;  // PEFT writes the names it found for "all-linear"
  WeightList weights;
  for (const auto* linear : model.linears()) {
    if (!linear->lora) continue;
    kinds.insert(linear->name.substr(linear->name.rfind('.') + 1));
    weights.emplace_back(peft_name(*linear, "lora_A"), linear->lora->a);
    weights.emplace_back(peft_name(*linear, "lora_B"), linear->lora->b);
  }
  if (config.target_modules.empty() && config.target_pattern == "all-linear") {
    config.target_modules.assign(kinds.begin(), kinds.end());
    config.target_pattern.clear();
  }
  std::sort(weights.begin(), weights.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  write_folder_atomic(folder, [&](const fs::path& temporary) {
    write_weights(temporary / kWeightsFile, weights, at::kFloat);
    io::write_peft_config(temporary, config);
  });
}

void merge_adapter(CausalLm& model) {
  TUNEWRIGHT_ASSERT(has_adapter(model));
  if (is_quantized(model)) {
    throw UserError(
        "model.quantization: a quantised base cannot take the adapter's update; merge it into the "
        "model without quantization");
  }
  const at::NoGradGuard no_grad;
  for (auto* linear : model.linears()) {
    if (!linear->lora) continue;
    const auto update =
        at::mm(linear->lora->b.detach(), linear->lora->a.detach()).mul_(linear->lora->scale);
    const auto& weight = linear->weight.dense();
    linear->weight = (weight.to(at::kFloat) + update).to(weight.scalar_type());
    linear->lora.reset();
  }
  model.adapter().reset();
}

void set_adapter_enabled(CausalLm& model, bool enabled) { model.set_adapter_enabled(enabled); }

bool has_adapter(const CausalLm& model) { return model.adapter().has_value(); }

}  // namespace tunewright::model

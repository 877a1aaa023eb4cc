#include <ATen/ATen.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/adapters/lora.h"
#include "tunewright/model/quantize.h"
#include "tunewright/model/size.h"

namespace tunewright::model {
namespace {

io::PeftConfig peft_config(const AdapterOptions& options) {
  const auto in_range = [](const char* key, bool valid, auto got, const char* range) {
    if (!valid) throw UserError(str("adapter.", key, ": must be ", range, ", got ", got));
  };
  in_range("r", options.r >= 1, options.r, "at least 1");
  in_range("lora_alpha", options.lora_alpha > 0.0, options.lora_alpha, "above 0");
  in_range("lora_dropout", options.lora_dropout >= 0.0 && options.lora_dropout < 1.0,
           options.lora_dropout, "in [0, 1)");
  io::PeftConfig config;
  config.r = options.r;
  config.lora_alpha = options.lora_alpha;
  config.lora_dropout = options.lora_dropout;
  config.use_rslora = options.use_rslora;
  const auto& targets = options.target_modules;
  const bool is_list = targets.is_array() && !targets.empty() &&
                       std::all_of(targets.begin(), targets.end(),
                                   [](const Json& entry) { return entry.is_string(); });
  if (is_list) {
    config.target_modules = targets.get<std::vector<std::string>>();
  } else if (targets.is_string()) {
    config.target_pattern = targets.get<std::string>();
  } else {
    throw UserError(
        str("adapter.target_modules: expected all-linear, a pattern or a list of layer names, got ",
            excerpt(dump_json(targets))));
  }
  return config;
}

// The optimizer writes into what it trains, which may be a read-only view of the checkpoint's file.
void make_trainable(at::Tensor tensor) {
  if (!tensor.requires_grad()) tensor.set_data(tensor.detach().clone());
  tensor.set_requires_grad(true);
}

void make_lora_trainable(CausalLm& model) {
  for (auto* linear : model.linears()) {
    if (!linear->lora) continue;
    linear->lora->a.set_requires_grad(true);
    linear->lora->b.set_requires_grad(true);
  }
}

void train_last_layers(CausalLm& model, int64_t trainable_layers) {
  const auto parameters = model.base_parameters();
  int64_t num_layers = 0;
  for (const auto& parameter : parameters)
    num_layers = std::max(num_layers, block_of(parameter.name).value_or(-1) + 1);
  if (trainable_layers < 1 || trainable_layers > num_layers) {
    throw UserError(str("adapter.trainable_layers: must be from 1 to ", num_layers,
                        ", the model's layers, got ", trainable_layers));
  }
  for (const auto& parameter : parameters) {
    const bool last = block_of(parameter.name).value_or(-1) >= num_layers - trainable_layers;
    if (last || parameter.name == "model.norm.weight" || parameter.name == "lm_head.weight")
      make_trainable(parameter.tensor);
  }
}

}  // namespace

void prepare_for_training(CausalLm& model, const AdapterOptions& options, uint64_t seed) {
  if (options.type != AdapterType::kLora && !options.path.empty()) {
    throw UserError("adapter.path: starting from an adapter needs adapter.type lora");
  }
  if (options.type != AdapterType::kLora && has_adapter(model)) {
    throw UserError(
        "model.adapter: merge the adapter into the model before training its own weights");
  }
  if (options.type != AdapterType::kLora && is_quantized(model)) {
    throw UserError(
        "model.quantization: quantised weights are frozen; set adapter.type: lora, or "
        "model.quantization: null");
  }
  switch (options.type) {
    case AdapterType::kNone:
      for (const auto& parameter : model.base_parameters()) make_trainable(parameter.tensor);
      return;
    case AdapterType::kFreeze:
      train_last_layers(model, options.trainable_layers);
      return;
    case AdapterType::kLora:
      if (!options.path.empty()) {
        load_adapter(model, options.path);
      } else if (!has_adapter(model)) {
        add_lora(model, peft_config(options), seed);
      }
      make_lora_trainable(model);
      return;
  }
}

}  // namespace tunewright::model

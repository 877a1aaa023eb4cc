#pragma once
#include <filesystem>

#include "tunewright/model/causal_lm.h"

namespace tunewright::model {

// Makes the model trainable as `options` say: all weights (none), the last layers (freeze), or a
// new or loaded LoRA adapter.  LoRA weights are float32.  Initialised as PEFT does (A
// Kaiming-uniform, B zero). A target that names no layer, or a key that conflicts with the adapter
// at options.path, or training the weights of a quantised model, is a UserError.
void prepare_for_training(CausalLm& model, const AdapterOptions& options, uint64_t seed);

// Puts a trained PEFT adapter on the model, for evaluation and generation.
void load_adapter(CausalLm& model, const std::filesystem::path& folder);

// adapter_config.json and adapter_model.safetensors, which PEFT opens.
void save_adapter(CausalLm& model, const std::filesystem::path& folder,
                  const std::string& base_model_name);

// Folds the adapter's update into the base weights (computed in float32) and drops the adapter.  A
// quantised base is a UserError.
void merge_adapter(CausalLm& model);

// With the adapter switched off the model answers as its base does: for baselines without a second
// copy.
void set_adapter_enabled(CausalLm& model, bool enabled);

bool has_adapter(const CausalLm& model);

}  // namespace tunewright::model

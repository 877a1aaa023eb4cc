#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::io {

// A LoRA adapter's adapter_config.json, as PEFT 0.21 reads and writes it.
struct PeftConfig {
  std::string base_model_name_or_path;
  std::string task_type = "CAUSAL_LM";
  int64_t r = 8;
  double lora_alpha = 8;
  double lora_dropout = 0;
  bool use_rslora = false;
  std::string bias = "none";

  // Which layers are adapted.  A list: the module's name is an entry or ends in "." + entry.
  // A text: "all-linear", or a regular expression that the whole module name must match.
  std::vector<std::string> target_modules;
  std::string target_pattern;                // used where target_modules is empty
  std::vector<std::string> exclude_modules;  // the same rule; these are taken out again
  std::string exclude_pattern;

  // Other ranks and alphas of some layers; a key matches as PEFT's do: a regular expression at the
  // name's end ("(.*\.)?(key)$").
  std::map<std::string, int64_t> rank_pattern;
  std::map<std::string, double> alpha_pattern;
};

// What PEFT can do and tunewright does not (DoRA, modules_to_save, trained biases, …) is a
// UserError that names the key; unknown keys that are off are let pass.
PeftConfig parse_peft_config(const Json& json, std::string_view where);
// `folder` holds adapter_config.json.
PeftConfig read_peft_config(const std::filesystem::path& folder);

Json peft_config_json(const PeftConfig& config);
void write_peft_config(const std::filesystem::path& folder, const PeftConfig& config);

// The rank and alpha of one module ("model.layers.0.self_attn.q_proj"), patterns applied.
struct LoraSize {
  int64_t r = 0;
  double alpha = 0;
};
LoraSize lora_size(const PeftConfig& config, const std::string& module_name);

// Whether the adapter takes this module, by list or pattern.  "all-linear" takes every module that
// the caller counts as linear, so the caller asks only for those and never for the output head.
bool targets_module(const PeftConfig& config, const std::string& module_name);

}  // namespace tunewright::io

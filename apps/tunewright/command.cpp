#include "tunewright/command.h"

#include <array>
#include <iostream>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"

namespace tunewright::app {
namespace {

// Key names of axolotl and LLaMA-Factory that stand at the top of their files, and ours.
struct Alias {
  const char* theirs;
  const char* ours;
};
constexpr std::array kAliases = {
    Alias{"base_model", "model.path"},
    Alias{"model_name_or_path", "model.path"},
    Alias{"sequence_len", "data.max_length"},
    Alias{"cutoff_len", "data.max_length"},
    Alias{"sample_packing", "data.packing"},
    Alias{"micro_batch_size", "training.per_device_train_batch_size"},
    Alias{"per_device_train_batch_size", "training.per_device_train_batch_size"},
    Alias{"gradient_accumulation_steps", "training.gradient_accumulation_steps"},
    Alias{"num_epochs", "training.num_train_epochs"},
    Alias{"num_train_epochs", "training.num_train_epochs"},
    Alias{"max_steps", "training.max_steps"},
    Alias{"learning_rate", "training.learning_rate"},
    Alias{"lr_scheduler", "training.lr_scheduler_type"},
    Alias{"lr_scheduler_type", "training.lr_scheduler_type"},
    Alias{"warmup_ratio", "training.warmup_ratio"},
    Alias{"warmup_steps", "training.warmup_steps"},
    Alias{"weight_decay", "training.weight_decay"},
    Alias{"optimizer", "training.optim"},
    Alias{"seed", "training.seed"},
    Alias{"finetuning_type", "adapter.type"},
    Alias{"lora_r", "adapter.r"},
    Alias{"lora_rank", "adapter.r"},
    Alias{"lora_alpha", "adapter.lora_alpha"},
    Alias{"lora_dropout", "adapter.lora_dropout"},
    Alias{"lora_target", "adapter.target_modules"},
    Alias{"lora_target_modules", "adapter.target_modules"},
    Alias{"freeze_trainable_layers", "adapter.trainable_layers"},
};

// Values that those tools spell otherwise.
Json translate_value(std::string_view theirs, const Json& value) {
  if (theirs == "finetuning_type" && value == "full") return "none";
  if (theirs == "lora_target" && value == "all") return "all-linear";
  return value;
}

void set_path(Json& config, std::string_view dotted, Json value) {
  Json* place = &config;
  const auto keys = split(dotted, '.');
  for (const auto& key : keys) {
    if (key.empty())
      throw UserError(str("--set ", dotted, ": an empty key; write --set training.max_steps=10"));
    if (place->is_null()) *place = Json::object();
    if (place->is_array()) {
      const bool digits = key.find_first_not_of("0123456789") == std::string::npos;
      const size_t index = digits && key.size() < 6 ? std::stoul(key) : place->size();
      if (index >= place->size()) {
        throw UserError(
            str("--set ", dotted, ": '", key, "' is not an index of a list of ", place->size()));
      }
      place = &(*place)[index];
      continue;
    }
    if (!place->is_object())
      throw UserError(str("--set ", dotted, ": '", key, "' is below a plain value"));
    place = &(*place)[key];
  }
  *place = std::move(value);
}

bool has_path(const Json& config, std::string_view dotted) {
  const Json* place = &config;
  for (const auto& key : split(dotted, '.')) {
    if (!place->is_object() || !place->contains(key)) return false;
    place = &place->at(key);
  }
  return true;
}

Json read_mapping(const std::filesystem::path& path) {
  Json config = read_yaml(path);
  if (config.is_null()) config = Json::object();
  if (!config.is_object()) {
    throw UserError(str(path.string(), ": expected keys and values, got a ", type_name(config)));
  }
  return config;
}

void map_aliases(Json& config, const std::filesystem::path& path, Reporter& reporter) {
  for (const auto& [theirs, ours] : kAliases) {
    if (!config.contains(theirs)) continue;
    if (has_path(config, ours)) {
      throw UserError(
          str(path.string(), ": '", theirs, "' and '", ours, "' say the same thing; keep one"));
    }
    reporter.info(str(path.string(), ": '", theirs, "' is read as ", ours));
    set_path(config, ours, translate_value(theirs, config[theirs]));
    config.erase(theirs);
  }
}

}  // namespace

void add_common_options(CLI::App& command, Context& context, bool takes_config) {
  command.add_flag("--json", context.json,
                   "Print the result as one JSON object, last on standard output");
  if (takes_config) {
    command
        .add_option("--set", context.set,
                    "Override a key: --set training.max_steps=10 (repeatable)")
        ->type_name("KEY=VALUE")
        ->take_all();
  }
}

void apply_settings(Json& config, const Context& context) {
  for (const auto& setting : context.set) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) {
      throw UserError(
          str("--set ", setting, ": expected KEY=VALUE, as in --set training.max_steps=10"));
    }
    set_path(config, setting.substr(0, equals),
             parse_yaml(setting.substr(equals + 1), "--set " + setting));
  }
}

Json read_config(const std::filesystem::path& path, const Context& context) {
  auto config = read_mapping(path);
  apply_settings(config, context);
  return config;
}

Json read_training_config(const std::filesystem::path& path, const Context& context) {
  auto config = read_mapping(path);
  map_aliases(config, path, context.reporter);
  apply_settings(config, context);
  return config;
}

void check_standard_output() {
  std::cout.flush();
  if (!std::cout) throw UserError("standard output: writing failed; is the disk full?");
}

void print_result(const Context& context, const Json& result, const std::string& text) {
  std::cout << (context.json ? dump_json(result) : text) << std::endl;
}

}  // namespace tunewright::app

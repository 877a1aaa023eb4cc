#define PCRE2_CODE_UNIT_WIDTH 8
#include "tunewright/io/peft_config.h"

#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"

namespace tunewright::io {
namespace {

constexpr const char* kFileName = "adapter_config.json";
constexpr const char* kAllLinear = "all-linear";
constexpr int64_t kMaxRank = 1 << 20;

// What PEFT does with these is not what tunewright computes, so an adapter that uses one is
// refused.
constexpr std::array kRefused = {"use_dora",
                                 "modules_to_save",
                                 "layers_to_transform",
                                 "layers_pattern",
                                 "layer_replication",
                                 "lora_bias",
                                 "trainable_token_indices",
                                 "target_parameters",
                                 "use_qalora",
                                 "alora_invocation_tokens",
                                 "use_bdlora",
                                 "arrow_config",
                                 "kasa_config",
                                 "velora_config",
                                 "monteclora_config",
                                 "megatron_config",
                                 "fan_in_fan_out",
                                 "ensure_weight_tying"};

// Ways of making the first A and B that leave the base weights as they are.
constexpr std::array kHarmlessInits = {"gaussian", "eva", "orthogonal", "lora_ga"};

[[noreturn]] void reject(std::string_view where, std::string_view key, const std::string& problem) {
  throw UserError(str(where, ": '", key, "': ", problem));
}

bool is_off(const Json& value) {
  return value.is_null() || value == false ||
         ((value.is_array() || value.is_object() || value.is_string()) && value.empty());
}

void refuse_unsupported(const Json& json, std::string_view where) {
  for (const auto* key : kRefused) {
    if (json.contains(key) && !is_off(json[key])) {
      reject(where, key,
             str("this part of PEFT is not supported, got ", excerpt(dump_json(json[key])),
                 "; train the adapter without it, or merge it into its base model with PEFT"));
    }
  }
  const auto init = json.value("init_lora_weights", Json(true));
  const bool harmless =
      !init.is_string() ||
      std::ranges::find(kHarmlessInits, init.get<std::string>()) != kHarmlessInits.end();
  if (!harmless) {
    reject(
        where, "init_lora_weights",
        str(excerpt(dump_json(init)), " changes the base model's weights; save the adapter with ",
            "PEFT's path_initial_model_for_weight_conversion first"));
  }
}

template <class T>
T number(const Json& json, const char* key, T fallback, std::string_view where) {
  if (!json.contains(key) || json[key].is_null()) return fallback;
  const auto& value = json[key];
  const bool right = std::is_integral_v<T> ? value.is_number_integer() : value.is_number();
  if (!right) reject(where, key, str("must be a number, got ", excerpt(dump_json(value))));
  return value.get<T>();
}

bool flag(const Json& json, const char* key, std::string_view where) {
  if (!json.contains(key) || json[key].is_null()) return false;
  if (!json[key].is_boolean())
    reject(where, key, str("must be true or false, got ", excerpt(dump_json(json[key]))));
  return json[key].get<bool>();
}

std::string text(const Json& json, const char* key, const std::string& fallback,
                 std::string_view where) {
  if (!json.contains(key) || json[key].is_null()) return fallback;
  if (!json[key].is_string())
    reject(where, key, str("must be a text, got ", excerpt(dump_json(json[key]))));
  return json[key].get<std::string>();
}

struct Names {
  std::vector<std::string> list;
  std::string pattern;
};

Names module_names(const Json& json, const char* key, std::string_view where) {
  if (!json.contains(key) || json[key].is_null()) return {};
  const auto& value = json[key];
  if (value.is_string()) return {.pattern = value.get<std::string>()};
  if (!value.is_array())
    reject(where, key,
           str("must be a list of module names or a text, got ", excerpt(dump_json(value))));
  Names names;
  for (const auto& name : value) {
    if (!name.is_string())
      reject(where, key, str("must be a list of module names, has ", excerpt(dump_json(name))));
    names.list.push_back(name.get<std::string>());
  }
  return names;
}

template <class T>
std::map<std::string, T> pattern_map(const Json& json, const char* key, std::string_view where) {
  std::map<std::string, T> map;
  if (!json.contains(key) || json[key].is_null()) return map;
  if (!json[key].is_object())
    reject(where, key, str("must be an object, got ", excerpt(dump_json(json[key]))));
  for (const auto& [pattern, value] : json[key].items())
    map[pattern] = number<T>(json[key], pattern.c_str(), T{}, where);
  return map;
}

// A step limit keeps a hostile expression from running for ever.
bool regex_matches(const std::string& pattern, const std::string& subject) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  const std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &error, &offset, nullptr),
      &pcre2_code_free);
  if (!code)
    throw UserError(str(kFileName, ": '", excerpt(pattern),
                        "' is not a regular expression, at character ", offset));
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create_from_pattern(code.get(), nullptr), &pcre2_match_data_free);
  const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context(
      pcre2_match_context_create(nullptr), &pcre2_match_context_free);
  pcre2_set_match_limit(context.get(), 1'000'000);
  const int found = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                subject.size(), 0, 0, match.get(), context.get());
  if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
    throw UserError(str(kFileName, ": the regular expression '", excerpt(pattern),
                        "' takes too long; simplify it"));
  }
  return found > 0;
}

bool in_list(const std::vector<std::string>& list, const std::string& name) {
  return std::ranges::any_of(
      list, [&](const auto& entry) { return name == entry || name.ends_with("." + entry); });
}

template <class T>
std::optional<T> of_pattern(const std::map<std::string, T>& patterns, const std::string& name) {
  for (const auto& [pattern, value] : patterns) {
    if (regex_matches("(.*\\.)?(" + pattern + ")", name)) return value;
  }
  return std::nullopt;
}

void check_ranges(const PeftConfig& config, std::string_view where) {
  const auto check_rank = [&](int64_t rank, std::string_view key) {
    if (rank < 1 || rank > kMaxRank)
      reject(where, key, str("must be from 1 to ", kMaxRank, ", got ", rank));
  };
  check_rank(config.r, "r");
  for (const auto& [pattern, rank] : config.rank_pattern) check_rank(rank, "rank_pattern");
  if (!(config.lora_dropout >= 0 && config.lora_dropout < 1)) {
    reject(where, "lora_dropout", str("must be from 0 to below 1, got ", config.lora_dropout));
  }
  if (!std::isfinite(config.lora_alpha)) reject(where, "lora_alpha", "must be a finite number");
  if (config.bias != "none") {
    reject(
        where, "bias",
        str("only 'none' is supported, got '", excerpt(config.bias), "'; trained biases are not"));
  }
  if (config.target_modules.empty() && config.target_pattern.empty()) {
    reject(where, "target_modules",
           "no module is named; give a list such as [\"q_proj\", \"v_proj\"], or \"all-linear\"");
  }
}

Json plain_number(double value) {
  const bool whole = std::floor(value) == value && std::abs(value) < 1e15;
  return whole ? Json(static_cast<int64_t>(value)) : Json(value);
}

}  // namespace

PeftConfig parse_peft_config(const Json& json, std::string_view where) {
  if (!json.is_object())
    throw UserError(str(where, ": must be an object, got a ", type_name(json)));
  const auto type = text(json, "peft_type", "", where);
  if (type != "LORA")
    reject(where, "peft_type", str("only 'LORA' is supported, got '", excerpt(type), "'"));
  refuse_unsupported(json, where);
  PeftConfig config;
  config.base_model_name_or_path = text(json, "base_model_name_or_path", "", where);
  config.task_type = text(json, "task_type", "CAUSAL_LM", where);
  config.r = number<int64_t>(json, "r", config.r, where);
  config.lora_alpha = number<double>(json, "lora_alpha", config.lora_alpha, where);
  config.lora_dropout = number<double>(json, "lora_dropout", config.lora_dropout, where);
  config.use_rslora = flag(json, "use_rslora", where);
  config.bias = text(json, "bias", "none", where);
  auto targets = module_names(json, "target_modules", where);
  config.target_modules = std::move(targets.list);
  config.target_pattern = std::move(targets.pattern);
  auto excluded = module_names(json, "exclude_modules", where);
  config.exclude_modules = std::move(excluded.list);
  config.exclude_pattern = std::move(excluded.pattern);
  config.rank_pattern = pattern_map<int64_t>(json, "rank_pattern", where);
  config.alpha_pattern = pattern_map<double>(json, "alpha_pattern", where);
  check_ranges(config, where);
  return config;
}

PeftConfig read_peft_config(const fs::path& folder) {
  const auto path = folder / kFileName;
  return parse_peft_config(read_json(path), path.string());
}

Json peft_config_json(const PeftConfig& config) {
  check_ranges(config, kFileName);
  auto json = Json::object();
  json["peft_type"] = "LORA";
  json["task_type"] = config.task_type;
  json["base_model_name_or_path"] = config.base_model_name_or_path;
  json["inference_mode"] = true;
  json["r"] = config.r;
  json["lora_alpha"] = plain_number(config.lora_alpha);
  json["lora_dropout"] = config.lora_dropout;
  json["use_rslora"] = config.use_rslora;
  json["bias"] = config.bias;
  json["target_modules"] =
      config.target_modules.empty() ? Json(config.target_pattern) : Json(config.target_modules);
  json["exclude_modules"] = !config.exclude_modules.empty()   ? Json(config.exclude_modules)
                            : !config.exclude_pattern.empty() ? Json(config.exclude_pattern)
                                                              : Json(nullptr);
  json["rank_pattern"] = Json::object();
  for (const auto& [pattern, rank] : config.rank_pattern) json["rank_pattern"][pattern] = rank;
  json["alpha_pattern"] = Json::object();
  for (const auto& [pattern, alpha] : config.alpha_pattern)
    json["alpha_pattern"][pattern] = plain_number(alpha);
  json["init_lora_weights"] = true;
  json["fan_in_fan_out"] = false;
  json["modules_to_save"] = nullptr;
  json["layers_to_transform"] = nullptr;
  json["use_dora"] = false;
  return json;
}

void write_peft_config(const fs::path& folder, const PeftConfig& config) {
  write_file_atomic(folder / kFileName, pretty_json(peft_config_json(config)));
}

LoraSize lora_size(const PeftConfig& config, const std::string& module_name) {
  return {.r = of_pattern(config.rank_pattern, module_name).value_or(config.r),
          .alpha = of_pattern(config.alpha_pattern, module_name).value_or(config.lora_alpha)};
}

bool targets_module(const PeftConfig& config, const std::string& module_name) {
  if (in_list(config.exclude_modules, module_name)) return false;
  if (!config.exclude_pattern.empty() && regex_matches(config.exclude_pattern, module_name))
    return false;
  if (!config.target_modules.empty()) return in_list(config.target_modules, module_name);
  return config.target_pattern == kAllLinear || regex_matches(config.target_pattern, module_name);
}

}  // namespace tunewright::io

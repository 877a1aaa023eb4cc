#include "tunewright/run_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/quantize.h"

namespace tunewright::app {
namespace {

namespace fs = std::filesystem;

void check_model(const model::ModelOptions& options) {
  if (options.path.empty())
    throw UserError("model.path: is missing; it names the folder of the base model");
  if (!fs::exists(fs::path(options.path) / "config.json")) {
    throw UserError(str("model.path: ", options.path,
                        fs::exists(options.path) ? " has no config.json" : " does not exist",
                        "; `tunewright pull SOURCE --out ", options.path,
                        "` makes a model folder"));
  }
  if (options.adapter)
    throw UserError(
        "model.adapter: is for evaluation; to train an adapter further, set adapter.path");
  model::choose_device(options.device);  // an error where cuda is not there
}

void check_files(std::string_view key, const std::vector<data::FileOptions>& files) {
  for (size_t i = 0; i < files.size(); ++i) {
    const auto where = str("data.", key, "[", i, "]");
    const auto& file = files[i];
    if (file.path.empty()) throw UserError(str(where, ".path: is missing"));
    if (!fs::exists(file.path))
      throw UserError(str(where, ".path: ", file.path, " does not exist"));
    if (fs::is_directory(file.path))
      throw UserError(str(where, ".path: ", file.path, " is a folder; name a JSON Lines file"));
    if (!(file.weight > 0) || !std::isfinite(file.weight)) {
      throw UserError(str(where, ".weight: must be more than 0, got ", file.weight));
    }
  }
}

void check_data(const data::DataOptions& options) {
  constexpr int64_t kShortest = 2;  // one token and the one it predicts
  if (options.train.empty())
    throw UserError("data.train: names no file; give at least one, as {path: train.jsonl}");
  check_files("train", options.train);
  check_files("eval", options.eval);
  if (options.max_length < kShortest) {
    throw UserError(
        str("data.max_length: must be at least ", kShortest, ", got ", options.max_length));
  }
}

void check_adapter(const model::AdapterOptions& options) {
  if (options.r < 1) throw UserError(str("adapter.r: must be at least 1, got ", options.r));
  if (!(options.lora_alpha > 0))
    throw UserError(str("adapter.lora_alpha: must be more than 0, got ", options.lora_alpha));
  if (!(options.lora_dropout >= 0 && options.lora_dropout < 1)) {
    throw UserError(
        str("adapter.lora_dropout: must be at least 0 and below 1, got ", options.lora_dropout));
  }
  if (options.trainable_layers < 1) {
    throw UserError(
        str("adapter.trainable_layers: must be at least 1, got ", options.trainable_layers));
  }
}

void check_quantization(const RunConfig& config) {
  if (config.model.quantization == model::Quantization::kNone ||
      config.adapter.type == model::AdapterType::kLora)
    return;
  throw UserError(str("model.quantization: ",
                      model::quantization_json(config.model.quantization).get<std::string>(),
                      " weights are frozen; set adapter.type: lora, or model.quantization: null"));
}

// PEFT writes the kinds of layers that "all-linear" has found.
bool has_every_linear(const Json& modules) {
  return std::ranges::all_of(
      std::array{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"},
      [&](const char* name) { return std::ranges::find(modules, Json(name)) != modules.end(); });
}

// Compares module lists as sets.
bool same_setting(const Json& ours, const Json& theirs) {
  if (ours == Json("all-linear") && theirs.is_array()) return has_every_linear(theirs);
  if (!ours.is_array() || !theirs.is_array()) return ours == theirs;
  auto left = ours, right = theirs;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  return left == right;
}

// The adapter at adapter.path decides; a key given beside it must agree.
void take_adapter_settings(const Json& given, model::AdapterOptions& options) {
  if (options.path.empty()) return;
  if (options.type != model::AdapterType::kLora) {
    throw UserError(
        "adapter.path: starts from a LoRA adapter; set adapter.type: lora, or remove adapter.path");
  }
  const auto file = fs::path(options.path) / "adapter_config.json";
  if (!fs::exists(file))
    throw UserError(str("adapter.path: ", options.path,
                        " has no adapter_config.json; it is not a PEFT adapter"));
  auto theirs = read_json(file);
  // What PEFT takes for a key that an older version did not write.
  const std::map<std::string, Json> defaults = {
      {"r", 8}, {"lora_alpha", 8}, {"lora_dropout", 0.0}, {"use_rslora", false}};
  for (const auto& [key, value] : defaults) {
    if (!theirs.contains(key)) theirs[key] = value;
  }
  for (const auto* key : {"r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora"}) {
    if (!theirs.contains(key) || !given.contains(key) || same_setting(given[key], theirs[key]))
      continue;
    throw UserError(str("adapter.", key, ": ", excerpt(dump_json(given[key])), " conflicts with ",
                        excerpt(dump_json(theirs[key])), " of ", file.string(),
                        ", which holds; remove adapter.", key));
  }
  const auto take = [&](const char* key, auto& setting) {
    if (theirs.contains(key))
      FieldReader::read(theirs[key], str(file.string(), ": ", key), setting);
  };
  take("r", options.r);
  take("lora_alpha", options.lora_alpha);
  take("lora_dropout", options.lora_dropout);
  take("use_rslora", options.use_rslora);
  take("target_modules", options.target_modules);
}

void check_cost(const CostOptions& options) {
  const auto not_negative = [](const char* key, double got) {
    if (!(got >= 0)) throw UserError(str("cost.", key, ": must be 0 or more, got ", got));
  };
  not_negative("hourly", options.hourly);
  not_negative("cheap_hourly", options.cheap_hourly);
  tariff_of(options);
}

// Names alone: whether a server is there is seen when it is asked, and training does without it.
void check_report_to(const std::vector<std::string>& sinks) {
  const std::vector<std::string> known = {"jsonl", "tensorboard", "mlflow", "wandb"};
  for (const auto& sink : sinks) {
    if (std::find(known.begin(), known.end(), sink) == known.end()) {
      throw UserError(str("report_to: '", sink, "' is not a value of it", suggestion(sink, known)));
    }
  }
}

}  // namespace

RunConfig make_run_config(const Json& given) {
  auto config = from_json<RunConfig>(given);
  if (config.output_dir.empty())
    throw UserError("output_dir: is missing; it names the folder that the run writes");
  check_model(config.model);
  check_data(config.data);
  check_adapter(config.adapter);
  check_quantization(config);
  take_adapter_settings(given.value("adapter", Json::object()), config.adapter);
  train::validate(config.training);
  check_cost(config.cost);
  check_report_to(config.report_to);
  return config;
}

train::Recipe recipe_of(const RunConfig& config) {
  return {.model = config.model,
          .data = config.data,
          .adapter = config.adapter,
          .training = config.training};
}

RunConfig with_recipe(RunConfig config, const train::Recipe& recipe) {
  config.model = recipe.model;
  config.data = recipe.data;
  config.adapter = recipe.adapter;
  config.training = recipe.training;
  return config;
}

observe::Tariff tariff_of(const CostOptions& options) {
  return {.hourly = options.hourly,
          .cheap_hourly = options.cheap_hourly,
          .cheap_hours = observe::parse_daily_hours(options.cheap_hours, "cost.cheap_hours")};
}

observe::TrackingOptions tracking_of(const TrackingConfig& config) {
  return {.project = config.project, .mlflow_uri = config.mlflow_uri, .mlflow_token = {}};
}

}  // namespace tunewright::app

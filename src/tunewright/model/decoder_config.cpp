#include "tunewright/model/decoder_config.h"

#include <array>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::model {
namespace {

struct Architecture {
  const char* model_type;
  const char* class_name;
  DecoderConfig (*read)(const Json& config);
};

// A new architecture is a line here.
constexpr std::array kArchitectures = {
    Architecture{"llama", "LlamaForCausalLM", &llama_config},
    Architecture{"mistral", "MistralForCausalLM", &mistral_config},
    Architecture{"qwen2", "Qwen2ForCausalLM", &qwen2_config},
    Architecture{"qwen3", "Qwen3ForCausalLM", &qwen3_config},
};

bool given(const Json& config, const char* key) {
  return config.contains(key) && !config[key].is_null();
}

double config_number(const Json& config, const char* key, double fallback) {
  if (!given(config, key)) return fallback;
  if (!config[key].is_number())
    throw UserError(str("config.json: ", key, ": expected a number, got ", dump_json(config[key])));
  return config[key].get<double>();
}

int64_t required_size(const Json& config, const char* key) {
  if (!given(config, key)) throw UserError(str("config.json: ", key, " is missing"));
  return config_integer(config, key, 0);
}

void check_sizes(const DecoderConfig& c) {
  const auto positive = [](const char* key, int64_t value) {
    if (value <= 0) throw UserError(str("config.json: ", key, " must be positive, got ", value));
  };
  positive("vocab_size", c.vocab_size);
  positive("hidden_size", c.hidden_size);
  positive("intermediate_size", c.intermediate_size);
  positive("num_hidden_layers", c.num_layers);
  positive("num_key_value_heads", c.num_key_value_heads);
  positive("head_dim", c.head_dim);
  positive("max_position_embeddings", c.max_positions);
  if (c.num_heads % c.num_key_value_heads != 0) {
    throw UserError(str("config.json: num_attention_heads (", c.num_heads,
                        ") must be a multiple of num_key_value_heads (", c.num_key_value_heads,
                        ")"));
  }
}

void check_supported(const Json& config) {
  if (given(config, "hidden_act") && config["hidden_act"] != "silu" &&
      config["hidden_act"] != "swish") {
    throw UserError(str("config.json: hidden_act ", dump_json(config["hidden_act"]),
                        " is not supported; known: silu"));
  }
  if (given(config, "quantization_config")) {
    throw UserError(
        "config.json: the checkpoint is quantised (quantization_config); use the unquantised one");
  }
}

}  // namespace

int64_t config_integer(const Json& config, const char* key, int64_t fallback) {
  if (!given(config, key)) return fallback;
  if (!config[key].is_number_integer()) {
    throw UserError(
        str("config.json: ", key, ": expected a whole number, got ", dump_json(config[key])));
  }
  return config[key].get<int64_t>();
}

bool config_flag(const Json& config, const char* key, bool fallback) {
  if (!given(config, key)) return fallback;
  if (!config[key].is_boolean())
    throw UserError(
        str("config.json: ", key, ": expected true or false, got ", dump_json(config[key])));
  return config[key].get<bool>();
}

DecoderConfig read_decoder_config(const Json& config, const DecoderDefaults& defaults) {
  check_supported(config);
  DecoderConfig c;
  c.vocab_size = config_integer(config, "vocab_size", defaults.vocab_size);
  c.hidden_size = required_size(config, "hidden_size");
  c.intermediate_size = config_integer(config, "intermediate_size", defaults.intermediate_size);
  c.num_layers = required_size(config, "num_hidden_layers");
  c.num_heads = required_size(config, "num_attention_heads");
  if (c.num_heads <= 0)
    throw UserError(str("config.json: num_attention_heads must be positive, got ", c.num_heads));
  const bool heads_absent =
      !config.contains("num_key_value_heads") && defaults.num_key_value_heads > 0;
  c.num_key_value_heads = config_integer(config, "num_key_value_heads",
                                         heads_absent ? defaults.num_key_value_heads : c.num_heads);
  c.head_dim = config_integer(
      config, "head_dim", defaults.head_dim > 0 ? defaults.head_dim : c.hidden_size / c.num_heads);
  c.max_positions = config_integer(config, "max_position_embeddings", defaults.max_positions);
  c.rms_norm_epsilon = config_number(config, "rms_norm_eps", 1e-6);
  c.tied = config_flag(config, "tie_word_embeddings", false);
  check_sizes(c);
  c.windows.assign(static_cast<size_t>(c.num_layers), 0);
  c.rope = read_rope(config, c.head_dim, c.max_positions);
  return c;
}

DecoderConfig decoder_config(const Json& config) {
  if (!config.is_object())
    throw UserError(str("config.json: expected an object, got a ", type_name(config)));
  const bool by_class = !given(config, "model_type") && config.contains("architectures") &&
                        config["architectures"].is_array() && !config["architectures"].empty();
  const Json name =
      by_class ? config["architectures"][0] : config.value("model_type", Json(nullptr));
  std::vector<std::string> known;
  for (const auto& architecture : kArchitectures) {
    if (name == (by_class ? architecture.class_name : architecture.model_type))
      return architecture.read(config);
    known.emplace_back(architecture.model_type);
  }
  throw UserError(str("config.json: architecture ", dump_json(name),
                      " is not known; known: ", join(known, ", ")));
}

}  // namespace tunewright::model

#include "tunewright/model/convert/gguf_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::model {
namespace {

struct Architecture {
  std::string_view gguf, model_type, class_name;
  bool rotary_interleaved;
};
constexpr std::array kArchitectures = {
    Architecture{"llama", "llama", "LlamaForCausalLM", true},
    Architecture{"mistral", "mistral", "MistralForCausalLM", true},
    Architecture{"qwen2", "qwen2", "Qwen2ForCausalLM", false},
    Architecture{"qwen3", "qwen3", "Qwen3ForCausalLM", false},
};

constexpr int64_t kMaxSize = 1LL << 31;

// The metadata of one file, with messages that name it.
class Metadata {
 public:
  Metadata(const io::GgufHeader& header, std::string_view where)
      : json_(header.metadata), where_(where) {}

  [[noreturn]] void reject(std::string_view key, const std::string& problem) const {
    throw UserError(str(where_, ": metadata key '", key, "': ", problem));
  }

  std::string text(const std::string& key) const {
    const auto* value = find(key);
    if (value == nullptr || !value->is_string())
      reject(key, value == nullptr ? "it is missing" : "it must be a text");
    return value->get<std::string>();
  }

  std::optional<int64_t> maybe_size(const std::string& key) const {
    const auto* value = find(key);
    if (value == nullptr) return std::nullopt;
    const bool fits = value->is_number_unsigned()
                          ? value->get<uint64_t>() <= static_cast<uint64_t>(kMaxSize)
                          : value->is_number_integer() && value->get<int64_t>() >= 0;
    if (!fits)
      reject(key,
             str("it must be a whole number from 0 to 2^31, got ", excerpt(dump_json(*value))));
    return value->get<int64_t>();
  }

  int64_t size(const std::string& key) const {
    const auto value = maybe_size(key);
    if (!value) reject(key, "it is missing, so this file does not describe its model");
    if (*value == 0) reject(key, "it must be above 0");
    return *value;
  }

  double number(const std::string& key, double fallback) const {
    const auto* value = find(key);
    if (value == nullptr) return fallback;
    if (!value->is_number())
      reject(key, str("it must be a number, got ", excerpt(dump_json(*value))));
    return decimal(value->get<double>());
  }

  const Json* find(const std::string& key) const {
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

 private:
  // The shortest decimal that gives the same float32: 1e-05, where the file's float32
  // is 9.99999974e-06.
  static double decimal(double value) {
    const auto narrow = static_cast<float>(value);
    if (static_cast<double>(narrow) != value) return value;
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), narrow).ptr;
    double result = 0;
    std::from_chars(text.data(), end, result);
    return result;
  }

  const Json& json_;
  std::string_view where_;
};

const Architecture& architecture_of(const Metadata& metadata) {
  const auto name = metadata.text("general.architecture");
  const auto found = std::ranges::find(kArchitectures, name, &Architecture::gguf);
  if (found != kArchitectures.end()) return *found;
  std::vector<std::string> known;
  for (const auto& architecture : kArchitectures) known.emplace_back(architecture.gguf);
  metadata.reject("general.architecture",
                  str("unknown architecture '", excerpt(name), "'; known: ", join(known, ", ")));
}

std::string_view class_name_of(const std::string& model_type) {
  return std::ranges::find(kArchitectures, model_type, &Architecture::model_type)->class_name;
}

void check_sizes(const GgufModel& model, const Metadata& metadata) {
  if (model.num_heads % model.num_kv_heads != 0) {
    metadata.reject(model.architecture + ".attention.head_count_kv",
                    str(model.num_kv_heads, " does not divide the ", model.num_heads, " heads"));
  }
  if (model.head_dim % 2 != 0 || model.head_dim == 0) {
    metadata.reject(model.architecture + ".attention.key_length",
                    str("a head must have an even width, got ", model.head_dim));
  }
}

// Llama 3's way of stretching: how much slower each frequency turns.
double llama3_factor(double frequency, double factor, double original_positions) {
  constexpr double kLow = 1, kHigh = 4;
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < original_positions / kHigh) return 1;
  if (wavelength > original_positions / kLow) return factor;
  const double smooth = (original_positions / wavelength - kLow) / (kHigh - kLow);
  return 1 / ((1 - smooth) / factor + smooth);
}

// The file keeps only the factors, computed from Llama 3's settings; the settings are believed
// where they give the same factors again.
Json llama3_scaling(const GgufModel& model, double rope_theta, const std::vector<float>& factors,
                    const Metadata& metadata) {
  constexpr double kOriginalPositions = 8192,
                   kTolerance = 1e-4;  // factors are float32, formulas may differ in rounding
  const double factor = *std::ranges::max_element(factors);
  for (size_t i = 0; i < factors.size(); ++i) {
    const double frequency =
        std::pow(rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(model.head_dim));
    const double expected = llama3_factor(frequency, factor, kOriginalPositions);
    if (std::abs(static_cast<double>(factors[i]) - expected) > kTolerance * expected) {
      metadata.reject("rope_freqs.weight",
                      str("number ", i, " is ", factors[i], " where Llama 3's rule gives ",
                          expected, "; this kind of rope scaling is not known"));
    }
  }
  return {{"rope_type", "llama3"},
          {"factor", factor},
          {"low_freq_factor", 1.0},
          {"high_freq_factor", 4.0},
          {"original_max_position_embeddings", static_cast<int64_t>(kOriginalPositions)}};
}

Json rope_scaling(const GgufModel& model, const Metadata& metadata, double rope_theta,
                  const std::vector<float>& factors) {
  if (std::ranges::any_of(factors, [](float factor) { return factor != 1; })) {
    return llama3_scaling(model, rope_theta, factors, metadata);
  }
  const auto prefix = model.architecture + ".rope.scaling.";
  const auto* type = metadata.find(prefix + "type");
  if (type == nullptr || *type == "none") return nullptr;
  const double factor = metadata.number(prefix + "factor", 1);
  if (*type == "linear") return {{"rope_type", "linear"}, {"factor", factor}};
  if (*type == "yarn") {
    Json scaling = {{"rope_type", "yarn"}, {"factor", factor}};
    const auto original = metadata.maybe_size(prefix + "original_context_length");
    if (original) scaling["original_max_position_embeddings"] = *original;
    return scaling;
  }
  metadata.reject(prefix + "type",
                  str("unknown kind ", excerpt(dump_json(*type)), "; known: none, linear, yarn"));
}

bool has_tensor(const io::GgufHeader& header, const std::string& name) {
  return header.tensors.contains(name);
}

}  // namespace

GgufModel gguf_model(const io::GgufHeader& header, std::string_view where) {
  const Metadata metadata(header, where);
  const auto& architecture = architecture_of(metadata);
  const std::string prefix(architecture.gguf);
  GgufModel model{.architecture = prefix, .model_type = std::string(architecture.model_type)};
  if (prefix == "llama" && metadata.maybe_size("llama.attention.sliding_window").value_or(0) > 0)
    model.model_type = "mistral";
  model.num_layers = metadata.size(prefix + ".block_count");
  model.hidden_size = metadata.size(prefix + ".embedding_length");
  model.intermediate_size = metadata.size(prefix + ".feed_forward_length");
  model.max_positions = metadata.size(prefix + ".context_length");
  model.num_heads = metadata.size(prefix + ".attention.head_count");
  model.num_kv_heads =
      metadata.maybe_size(prefix + ".attention.head_count_kv").value_or(model.num_heads);
  if (model.num_kv_heads == 0)
    metadata.reject(prefix + ".attention.head_count_kv", "it must be above 0");
  const auto key_length = metadata.maybe_size(prefix + ".attention.key_length");
  model.head_dim = key_length.value_or(model.hidden_size / model.num_heads);
  check_sizes(model, metadata);
  if (model.num_layers > static_cast<int64_t>(header.tensors.size())) {
    metadata.reject(prefix + ".block_count",
                    str(model.num_layers, " blocks, but the file has only ", header.tensors.size(),
                        " tensors"));
  }
  const auto embedding = header.tensors.find("token_embd.weight");
  if (embedding == header.tensors.end() || embedding->second.shape.size() != 2) {
    throw UserError(
        str(where, ": no matrix 'token_embd.weight', so this is not a whole language model"));
  }
  model.vocab_size = embedding->second.shape[0];
  model.rotary_interleaved = architecture.rotary_interleaved;
  model.tied_embeddings = !has_tensor(header, "output.weight");
  return model;
}

std::optional<int64_t> token_id(const io::GgufHeader& header, const std::string& key,
                                std::string_view where) {
  const Metadata metadata(header, where);
  const auto id = metadata.maybe_size(key);
  const auto* tokens = metadata.find("tokenizer.ggml.tokens");
  const auto count =
      tokens != nullptr && tokens->is_array() ? static_cast<int64_t>(tokens->size()) : 0;
  if (id && *id >= count) metadata.reject(key, str("token ", *id, " of a vocabulary of ", count));
  return id;
}

Json hf_config(const GgufModel& model, const io::GgufHeader& header,
               const std::vector<float>& rope_factors, const std::string& dtype,
               std::string_view where) {
  const Metadata metadata(header, where);
  const auto& prefix = model.architecture;
  const double rope_theta = metadata.number(prefix + ".rope.freq_base", 10000);
  const auto scaling = rope_scaling(model, metadata, rope_theta, rope_factors);
  Json config = Json::object();
  config["architectures"] = {class_name_of(model.model_type)};
  config["model_type"] = model.model_type;
  config["dtype"] = dtype;
  config["vocab_size"] = model.vocab_size;
  config["hidden_size"] = model.hidden_size;
  config["intermediate_size"] = model.intermediate_size;
  config["num_hidden_layers"] = model.num_layers;
  config["num_attention_heads"] = model.num_heads;
  config["num_key_value_heads"] = model.num_kv_heads;
  config["head_dim"] = model.head_dim;
  config["hidden_act"] = "silu";
  config["max_position_embeddings"] = model.max_positions;
  config["rms_norm_eps"] = metadata.number(prefix + ".attention.layer_norm_rms_epsilon", 1e-6);
  config["rope_theta"] = rope_theta;
  config["rope_scaling"] = scaling;
  config["rope_parameters"] = scaling.is_null() ? Json{{"rope_type", "default"}} : scaling;
  config["rope_parameters"]["rope_theta"] = rope_theta;
  config["tie_word_embeddings"] = model.tied_embeddings;
  config["attention_bias"] = model.model_type == "qwen2" || has_tensor(header, "blk.0.attn_q.bias");
  if (model.model_type == "llama") config["mlp_bias"] = has_tensor(header, "blk.0.ffn_up.bias");
  if (model.model_type == "mistral") {
    const auto window = metadata.maybe_size(prefix + ".attention.sliding_window").value_or(0);
    config["sliding_window"] = window > 0 ? Json(window) : Json(nullptr);
  }
  config["attention_dropout"] = 0.0;
  config["initializer_range"] = 0.02;
  config["use_cache"] = true;
  const auto put_token = [&](const char* name, const char* key) {
    const auto id = token_id(header, key, where);
    config[name] = id ? Json(*id) : Json(nullptr);
  };
  put_token("bos_token_id", "tokenizer.ggml.bos_token_id");
  put_token("eos_token_id", "tokenizer.ggml.eos_token_id");
  put_token("pad_token_id", "tokenizer.ggml.padding_token_id");
  return config;
}

Json hf_generation_config(const io::GgufHeader& header, std::string_view where) {
  Json config = Json::object();
  if (const auto bos = token_id(header, "tokenizer.ggml.bos_token_id", where))
    config["bos_token_id"] = *bos;
  std::vector<int64_t> ends;
  for (const auto* key : {"eos", "eot", "eom"}) {
    const auto id = token_id(header, str("tokenizer.ggml.", key, "_token_id"), where);
    if (id && std::ranges::find(ends, *id) == ends.end()) ends.push_back(*id);
  }
  if (ends.size() == 1) config["eos_token_id"] = ends.front();
  if (ends.size() > 1) config["eos_token_id"] = ends;
  if (const auto pad = token_id(header, "tokenizer.ggml.padding_token_id", where))
    config["pad_token_id"] = *pad;
  return config;
}

}  // namespace tunewright::model

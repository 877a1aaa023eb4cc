#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/decoder_config.h"

namespace tunewright::model {
namespace {

// `layer_types` says which layers slide; without it those from max_window_layers on.
void read_windows(DecoderConfig& c, const Json& config) {
  const bool sliding = config_flag(config, "use_sliding_window", false);
  const int64_t window = !sliding ? 0
                         : config.contains("sliding_window")
                             ? config_integer(config, "sliding_window", 0)
                             : 4096;
  const bool listed = config.contains("layer_types") && !config["layer_types"].is_null();
  if (listed &&
      (!config["layer_types"].is_array() || config["layer_types"].size() != c.windows.size())) {
    throw UserError(str("config.json: layer_types: expected a list of ", c.windows.size(),
                        " layer types, got ", excerpt(dump_json(config["layer_types"]))));
  }
  const int64_t first = config_integer(config, "max_window_layers", 28);
  for (size_t i = 0; i < c.windows.size(); ++i) {
    if (!listed) {
      c.windows[i] = static_cast<int64_t>(i) >= first ? window : 0;
    } else if (config["layer_types"][i] == "sliding_attention") {
      if (window == 0)
        throw UserError(
            "config.json: layer_types has 'sliding_attention' but sliding_window is off");
      c.windows[i] = window;
    } else if (config["layer_types"][i] != "full_attention") {
      throw UserError(str("config.json: layer_types[", i,
                          "]: ", dump_json(config["layer_types"][i]),
                          " is not known; known: full_attention, sliding_attention"));
    }
  }
}

}  // namespace

DecoderConfig qwen2_config(const Json& config) {
  auto c = read_decoder_config(config, {.vocab_size = 151936,
                                        .intermediate_size = 22016,
                                        .num_key_value_heads = 32,
                                        .head_dim = 0,
                                        .max_positions = 32768});
  c.qkv_bias = true;
  read_windows(c, config);
  return c;
}

DecoderConfig qwen3_config(const Json& config) {
  auto c = read_decoder_config(config, {.vocab_size = 151936,
                                        .intermediate_size = 22016,
                                        .num_key_value_heads = 32,
                                        .head_dim = 128,
                                        .max_positions = 32768});
  c.qkv_bias = c.o_bias = config_flag(config, "attention_bias", false);
  c.qk_norm = true;
  read_windows(c, config);
  return c;
}

}  // namespace tunewright::model

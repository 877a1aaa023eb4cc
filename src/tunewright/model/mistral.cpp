#include "tunewright/model/decoder_config.h"

namespace tunewright::model {

DecoderConfig mistral_config(const Json& config) {
  auto c = read_decoder_config(config, {.vocab_size = 32000,
                                        .intermediate_size = 14336,
                                        .num_key_value_heads = 8,
                                        .head_dim = 0,
                                        .max_positions = 4096 * 32});
  const int64_t window = config.contains("sliding_window")
                             ? config_integer(config, "sliding_window", 0)
                             : 4096;  // null: none
  c.windows.assign(c.windows.size(), window);
  return c;
}

}  // namespace tunewright::model

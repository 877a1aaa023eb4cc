#include "tunewright/model/decoder_config.h"

namespace tunewright::model {

DecoderConfig llama_config(const Json& config) {
  auto c = read_decoder_config(config, {.vocab_size = 32000,
                                        .intermediate_size = 11008,
                                        .num_key_value_heads = 0,
                                        .head_dim = 0,
                                        .max_positions = 2048});
  c.qkv_bias = c.o_bias = config_flag(config, "attention_bias", false);
  c.mlp_bias = config_flag(config, "mlp_bias", false);
  return c;
}

}  // namespace tunewright::model

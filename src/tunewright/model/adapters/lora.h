#pragma once
#include <cstdint>

#include "tunewright/io/peft_config.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::model {

// Puts new LoRA weights on the layers that `config` names; A Kaiming-uniform, B zero, as PEFT does.
// No layer named is a UserError that lists the layers.
void add_lora(CausalLm& model, const io::PeftConfig& config, uint64_t seed);

}  // namespace tunewright::model

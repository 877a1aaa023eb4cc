#pragma once
#include <functional>
#include <span>

#include "tunewright/model/generate/generate.h"

namespace tunewright::model {

// A prompt without tokens, or one that leaves no position for an answer, is a UserError.
void check_room(const CausalLm& model, size_t prompt_size);

// generate() of checked arguments on a model that is not training: several threads may run it.
Generation continue_prompt(CausalLm& model, std::span<const int32_t> prompt,
                           std::span<const int32_t> stop_ids, const SamplingOptions& options,
                           const std::function<bool(int32_t)>& on_token, KvCache* cache);

}  // namespace tunewright::model

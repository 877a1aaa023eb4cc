#pragma once
#include <functional>
#include <span>
#include <vector>

#include "tunewright/model/generate/generate.h"

namespace tunewright::model {

// A prompt without tokens, or one that leaves no position for an answer, is a UserError.
void check_room(const CausalLm& model, size_t prompt_size);

// generate() of checked arguments on a model that is not training: several threads may run it.
Generation continue_prompt(CausalLm& model, std::span<const int32_t> prompt,
                           std::span<const int32_t> stop_ids, const SamplingOptions& options,
                           const std::function<bool(int32_t)>& on_token, KvCache* cache,
                           std::span<const int32_t> watched = {});

// The UserError of a model whose scores are NaN.
[[noreturn]] void fail_not_finite();

// [V] logits -> those of `ids`.
std::vector<float> logits_of(const at::Tensor& logits, std::span<const int32_t> ids);

}  // namespace tunewright::model

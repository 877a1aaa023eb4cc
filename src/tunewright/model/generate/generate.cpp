#include "tunewright/model/generate/generate.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/generate/continue_prompt.h"
#include "tunewright/model/generate/tensors.h"

//   T new tokens of a pass, D hidden size, V vocabulary
namespace tunewright::model {
namespace {

bool contains(std::span<const int32_t> ids, int32_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Logits [V] float32 of what comes after `ids`, whose past is in the cache.
at::Tensor next_logits(CausalLm& model, std::span<const int32_t> ids, KvCache& cache) {
  const auto hidden = model.hidden_cached(ids_tensor(ids, model.head().device()), cache);  // [T, D]
  return model.logits(hidden.slice(0, hidden.size(0) - 1)).squeeze(0);
}

}  // namespace

void check_room(const CausalLm& model, size_t prompt_size) {
  const auto size = static_cast<int64_t>(prompt_size);
  if (size == 0) throw UserError("the prompt has no tokens; give it some text");
  if (size >= model.max_positions()) {
    throw UserError(str("the prompt has ", size, " tokens, and the model has ",
                        model.max_positions(),
                        " positions for prompt and answer together; shorten the prompt"));
  }
}

std::vector<float> logits_of(const at::Tensor& logits, std::span<const int32_t> ids) {
  if (ids.empty()) return {};
  const auto chosen = logits.index_select(0, ids_tensor(ids, logits.device()))
                          .to(at::kCPU, at::kFloat)
                          .contiguous();
  const float* values = chosen.const_data_ptr<float>();
  return {values, values + ids.size()};
}

Generation generate(CausalLm& model, std::span<const int32_t> prompt,
                    std::span<const int32_t> stop_ids, const SamplingOptions& options,
                    const std::function<bool(int32_t)>& on_token, KvCache* cache) {
  options.validate();
  check_room(model, prompt.size());
  model.set_training(false, 0);
  return continue_prompt(model, prompt, stop_ids, options, on_token, cache);
}

Generation continue_prompt(CausalLm& model, std::span<const int32_t> prompt,
                           std::span<const int32_t> stop_ids, const SamplingOptions& options,
                           const std::function<bool(int32_t)>& on_token, KvCache* cache,
                           std::span<const int32_t> watched) {
  const c10::NoGradGuard no_grad;
  Random random(options.seed, stream_id("sampling"));
  KvCache own_cache;
  KvCache& past = cache ? *cache : own_cache;
  const auto prompt_size = static_cast<int64_t>(prompt.size());
  TUNEWRIGHT_ASSERT(past.length() <= prompt_size);
  if (past.length() == prompt_size)
    past.truncate(prompt_size - 1);  // its last token gives the first logits

  std::vector<int32_t> context(prompt.begin(), prompt.end());
  Generation generation;
  const auto limit = std::min(options.max_new_tokens, model.max_positions() - prompt_size);
  while (static_cast<int64_t>(generation.ids.size()) < limit) {
    const auto unread =
        std::span<const int32_t>(context).subspan(static_cast<size_t>(past.length()));
    const auto logits = next_logits(model, unread, past);
    if (generation.ids.empty()) generation.watched = logits_of(logits, watched);
    const auto token = sample(logits, context, options, random);
    if (contains(stop_ids, token)) {
      generation.finish = FinishReason::kStop;
      break;
    }
    context.push_back(token);
    generation.ids.push_back(token);
    if (on_token && !on_token(token)) {
      generation.finish = FinishReason::kStop;
      break;
    }
  }
  return generation;
}

}  // namespace tunewright::model

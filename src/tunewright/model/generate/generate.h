#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/random.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::model {

struct SamplingOptions {
  int64_t max_new_tokens = 256;
  double temperature = 0.0;         // 0: greedy
  int64_t top_k = 0;                // 0: off
  double top_p = 1.0;               // 1: off
  double min_p = 0.0;               // 0: off
  double repetition_penalty = 1.0;  // 1: off; over prompt and answer, as in transformers
  uint64_t seed = 0;

  void validate() const;  // a value out of its range is a UserError that names it
};

enum class FinishReason { kStop, kLength };
struct Generation {
  std::vector<int32_t> ids;  // without the prompt; a stop id that ended it is not in it
  FinishReason finish = FinishReason::kLength;
  std::vector<float> watched = {};  // logits of the ids that were watched, where the answer begins
};

// Continues `prompt`.  `on_token` sees each new token and may return false to stop (a stop string).
// The answer also ends where prompt and answer fill the model's positions; a prompt that leaves no
// place for an answer is a UserError.
Generation generate(
    CausalLm& model, std::span<const int32_t> prompt, std::span<const int32_t> stop_ids,
    const SamplingOptions& options, const std::function<bool(int32_t)>& on_token = {},
    KvCache* cache =
        nullptr);  // a cache whose length() tokens are a prefix of `prompt` is continued

struct BatchOptions {
  SamplingOptions sampling;             // prompt i is sampled with seed + i
  std::vector<int64_t> max_new_tokens;  // of each prompt; empty: that of `sampling` for all
  // Of each prompt, ids whose logits before sampling are wanted where its answer begins; empty:
  // none.
  std::vector<std::vector<int32_t>> watched;
  int64_t most_rows = 32;                  // answers written at the same time
  int64_t cache_bytes = int64_t{2} << 30;  // for their keys and values; one answer always has room
  // One answer at a time on one thread: the same, bit for bit, whatever else is answered.
  bool deterministic = false;
  // Called one at a time.  `on_token` may return false to end the answer (a stop string);
  // `on_answer` sees each answer when it is finished, in no order.  What they throw ends the work.
  std::function<bool(size_t prompt, int32_t id)> on_token;
  std::function<void(size_t prompt, const Generation& answer)> on_answer;
};

// Answers each prompt as generate() alone would, up to the rounding of float sums: several at a
// time, each with its own past, a finished one making room for the next.  What all prompts begin
// with is read once.
std::vector<Generation> generate_batch(CausalLm& model,
                                       std::span<const std::vector<int32_t>> prompts,
                                       std::span<const int32_t> stop_ids,
                                       const BatchOptions& options);

// Logits after repetition penalty, temperature, top-k, top-p and min-p; what may not be drawn is
// -infinity.  At temperature 0 only the penalty applies.  [V] float32 -> [V] float32.
at::Tensor process_logits(const at::Tensor& logits, std::span<const int32_t> context,
                          const SamplingOptions& options);

// Picks a token of `logits` [V] float32 as transformers' processors and warpers do, in their order.
int32_t sample(const at::Tensor& logits, std::span<const int32_t> context,
               const SamplingOptions& options, Random& random);

// Log-probability of ids[i] given ids[0..i), for i in [from, size): float32, in batches without
// padding.  from >= 1.  A sequence longer than the model's positions is a UserError.
struct ScoredSequence {
  std::vector<float> logprobs;
  bool is_greedy = true;  // every scored token is the most likely one
};
struct ScoreRequest {
  std::vector<int32_t> ids;
  int64_t from = 1;
};
struct ScoreOptions {
  // Each sequence in a pass of its own on one thread: the same, bit for bit, whatever it is scored
  // with.  Without it sums are taken in another order: within 1e-5 a token in float32.
  bool deterministic = false;
  // Called one at a time, for each sequence that has scored tokens when it is done, in no order.
  // What it throws ends the work.
  std::function<void(size_t request, const ScoredSequence& scored)> on_scored;
};
std::vector<ScoredSequence> score(CausalLm& model, std::span<const ScoreRequest> requests,
                                  const ScoreOptions& options);
std::vector<ScoredSequence> score(CausalLm& model, std::span<const ScoreRequest> requests,
                                  const std::function<void(int64_t done)>& on_progress = {});

}  // namespace tunewright::model

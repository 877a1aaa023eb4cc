#include <cmath>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/generate/continue_prompt.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/tensors.h"

// The processors of transformers 5.23 (generation/logits_process.py), operation for operation: at a
// threshold one rounding more or less would keep another token.
namespace tunewright::model {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

at::Tensor penalise_repetition(const at::Tensor& logits, std::span<const int32_t> context,
                               double penalty) {
  auto seen = ids_tensor(context, logits.device());
  seen = seen.masked_select(seen < logits.size(0));
  const auto scores = logits.gather(0, seen);
  return logits.scatter(0, seen, at::where(scores < 0, scores * penalty, scores / penalty));
}

at::Tensor keep_top_k(const at::Tensor& logits, int64_t k) {
  const auto best = std::get<0>(logits.topk(std::min(k, logits.size(0))));
  return logits.masked_fill(logits < best[-1], kNever);
}

at::Tensor keep_top_p(const at::Tensor& logits, double p) {
  const auto [ascending, order] = logits.sort(/*dim=*/-1, /*descending=*/false);
  auto removed = ascending.softmax(-1).cumsum(-1) <= 1.0 - p;
  removed[-1].fill_(false);
  return logits.masked_fill(removed.scatter(0, order, removed), kNever);
}

at::Tensor keep_min_p(const at::Tensor& logits, double p) {
  const auto probabilities = logits.softmax(-1);
  return logits.masked_fill(probabilities < p * probabilities.amax(), kNever);
}

void require(bool fine, const char* field, const char* range, double got) {
  if (!fine) throw UserError(str(field, ": expected ", range, ", got ", got));
}

int32_t draw(const at::Tensor& probabilities, Random& random) {
  const auto on_cpu = probabilities.to(at::kCPU).contiguous();
  const std::span<const float> p(on_cpu.const_data_ptr<float>(),
                                 static_cast<size_t>(on_cpu.numel()));
  double total = 0;
  for (const float x : p) total += double{x};
  if (!std::isfinite(total)) fail_not_finite();
  double left = random.uniform() * total;
  size_t last = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] == 0.0F) continue;
    last = i;
    left -= double{p[i]};
    if (left < 0) break;
  }
  return static_cast<int32_t>(last);
}

}  // namespace

void SamplingOptions::validate() const {
  require(max_new_tokens >= 1, "max_new_tokens", "at least 1", static_cast<double>(max_new_tokens));
  require(temperature >= 0 && std::isfinite(temperature), "temperature", "0 (greedy) or more",
          temperature);
  require(top_k >= 0, "top_k", "0 (off) or more", static_cast<double>(top_k));
  require(top_p >= 0 && top_p <= 1, "top_p", "a share between 0 and 1 (off)", top_p);
  require(min_p >= 0 && min_p <= 1, "min_p", "a share between 0 (off) and 1", min_p);
  require(repetition_penalty > 0 && std::isfinite(repetition_penalty), "repetition_penalty",
          "more than 0 (1: off)", repetition_penalty);
}

at::Tensor ids_tensor(std::span<const int32_t> ids, at::Device device) {
  auto tensor = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
  std::copy(ids.begin(), ids.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor.to(device);
}

at::Tensor process_logits(const at::Tensor& logits, std::span<const int32_t> context,
                          const SamplingOptions& options) {
  TUNEWRIGHT_ASSERT(logits.dim() == 1 && logits.scalar_type() == at::kFloat);
  auto scores = logits;
  if (options.repetition_penalty != 1.0)
    scores = penalise_repetition(scores, context, options.repetition_penalty);
  if (options.temperature == 0.0) return scores;
  if (options.temperature != 1.0) scores = scores / options.temperature;
  if (options.top_k > 0) scores = keep_top_k(scores, options.top_k);
  if (options.top_p < 1.0) scores = keep_top_p(scores, options.top_p);
  if (options.min_p > 0.0) scores = keep_min_p(scores, options.min_p);
  return scores;
}

void fail_not_finite() {
  throw UserError(
      "the model's next-token scores are not numbers (NaN): its weights are damaged or its "
      "training diverged; try an earlier checkpoint, or dtype float32");
}

int32_t sample(const at::Tensor& logits, std::span<const int32_t> context,
               const SamplingOptions& options, Random& random) {
  const auto scores = process_logits(logits, context, options);
  if (options.temperature > 0.0) return draw(scores.softmax(-1), random);
  const auto [best, index] = scores.max(0);
  if (std::isnan(best.item<float>())) fail_not_finite();
  return static_cast<int32_t>(index.item<int64_t>());
}

}  // namespace tunewright::model

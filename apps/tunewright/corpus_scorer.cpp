// What the data workshop asks of a language model, answered by one.
#include "tunewright/corpus_scorer.h"

#include <c10/core/GradMode.h>

#include <memory>
#include <mutex>
#include <numeric>

#include "tunewright/corpus/scorer.h"
#include "tunewright/inference.h"
#include "tunewright/model/generate/tensors.h"

namespace tunewright::app {
namespace {

// One text at a time has the model, which uses all cores itself.
class ModelScorer final : public corpus::Scorer {
 public:
  explicit ModelScorer(InferenceModel loaded) : loaded_(std::move(loaded)) {}

  std::vector<int64_t> token_counts(std::span<const std::string_view> texts) const override {
    std::vector<int64_t> counts;
    for (const auto text : texts) counts.push_back(std::ssize(loaded_.text.tokenizer.encode(text)));
    return counts;
  }

  std::vector<Loss> losses(std::span<const std::string_view> texts) const override {
    std::vector<model::ScoreRequest> requests;
    for (const auto text : texts) requests.push_back({ids_of(text), 1});
    const std::scoped_lock lock(mutex_);
    std::vector<Loss> losses;
    for (const auto& scored : model::score(*loaded_.lm, requests)) {
      Loss loss{.sum = 0, .tokens = std::ssize(scored.logprobs)};
      for (const auto logprob : scored.logprobs) loss.sum -= double{logprob};
      losses.push_back(loss);
    }
    return losses;
  }

  // The mean of the last hidden states.
  std::vector<std::vector<float>> embeddings(
      std::span<const std::string_view> texts) const override {
    const c10::NoGradGuard no_grad;
    const std::scoped_lock lock(mutex_);
    loaded_.lm->set_training(false, 0);
    std::vector<std::vector<float>> embeddings;
    for (const auto text : texts) embeddings.push_back(embedding(ids_of(text)));
    return embeddings;
  }

 private:
  // As much of a text as the model has positions for.
  std::vector<int32_t> ids_of(std::string_view text) const {
    auto ids = data::prompt_ids(loaded_.text, text);
    const auto most = static_cast<size_t>(loaded_.lm->max_positions());
    if (ids.size() > most) ids.resize(most);
    return ids;
  }

  std::vector<float> embedding(const std::vector<int32_t>& ids) const {
    const auto width = static_cast<size_t>(loaded_.lm->head().size(1));
    if (ids.empty()) return std::vector<float>(width, 0);
    const auto device = loaded_.lm->head().device();
    std::vector<int32_t> positions(ids.size());
    std::iota(positions.begin(), positions.end(), 0);
    const auto hidden = loaded_.lm->hidden({model::ids_tensor(ids, device),
                                            model::ids_tensor(positions, device),
                                            {0, std::ssize(ids)},
                                            {}});                               // [T, D]
    const auto mean = hidden.to(at::kFloat).mean(0).to(at::kCPU).contiguous();  // [D]
    const auto* values = mean.const_data_ptr<float>();
    return {values, values + width};
  }

  InferenceModel loaded_;
  mutable std::mutex mutex_;
};

}  // namespace

corpus::StepContext step_context(Reporter& reporter) {
  return {.open_scorer = [&reporter](const std::string& folder) {
    return std::make_shared<const ModelScorer>(load_for_inference({.path = folder}, reporter));
  }};
}

}  // namespace tunewright::app

#include "tunewright/corpus/filters/perplexity.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/open_scorer.h"

namespace tunewright::corpus {

struct PerplexityFilter::Scores final : Notes {
  std::vector<std::pair<int64_t, Score>> scores;
};

PerplexityFilter::PerplexityFilter(const PerplexityOptions& options, const StepContext& context)
    : options_(options), scorer_(open_scorer(context, options.model)) {}

std::unique_ptr<Step::Notes> PerplexityFilter::read(const Batch& batch) const {
  std::vector<std::string_view> texts;
  for (const auto& document : batch.documents) texts.push_back(document.text());
  const auto losses = scorer_->losses(texts);
  const auto tokens = scorer_->token_counts(texts);
  auto notes = std::make_unique<Scores>();
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto [sum, predicted] = losses[i];
    const auto perplexity = predicted > 0 ? std::exp(sum / static_cast<double>(predicted)) : 0;
    notes->scores.push_back({batch.rows[i], {.perplexity = perplexity, .tokens = tokens[i]}});
  }
  return notes;
}

void PerplexityFilter::collect(std::unique_ptr<Notes> notes) {
  const auto& scores = dynamic_cast<const Scores&>(*notes).scores;
  scores_.insert(scores_.end(), scores.begin(), scores.end());
}

Verdict PerplexityFilter::judge(Document& document, int64_t row) const {
  const auto it = std::ranges::lower_bound(scores_, row, {}, [](const auto& s) { return s.first; });
  TUNEWRIGHT_ASSERT(it != scores_.end() && it->first == row);
  const auto [perplexity, tokens] = it->second;
  if (tokens < options_.min_tokens)
    return dropped(str("tokens ", tokens, " < ", options_.min_tokens));
  if (options_.max_tokens > 0 && tokens > options_.max_tokens)
    return dropped(str("tokens ", tokens, " > ", options_.max_tokens));
  if (perplexity > 0 && perplexity < options_.min_perplexity)
    return dropped(str("perplexity ", perplexity, " < ", options_.min_perplexity));
  if (options_.max_perplexity > 0 && perplexity > options_.max_perplexity)
    return dropped(str("perplexity ", perplexity, " > ", options_.max_perplexity));
  if (options_.field.empty() || perplexity == 0) return {};
  document.set_field(options_.field, perplexity);
  return changed("perplexity noted");
}

}  // namespace tunewright::corpus

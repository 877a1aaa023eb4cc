#include "tunewright/corpus/filters/outliers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/open_scorer.h"
#include "tunewright/corpus/text/characters.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kSample = 4096;
constexpr size_t kSampleBytes = 4096;  // of a row's text: enough to know its spelling

double log_length(std::string_view text) {
  return std::log1p(static_cast<double>(character_count(text)));
}

std::string_view beginning(std::string_view text) {
  if (text.size() <= kSampleBytes) return text;
  auto end = kSampleBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

double quantile(const std::vector<double>& sorted, double share) {
  const auto place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

double loss_a_token(const Scorer::Loss& loss) {
  return loss.tokens > 0 ? loss.sum / static_cast<double>(loss.tokens) : 0;
}

std::vector<std::string_view> texts_of(const Batch& batch) {
  std::vector<std::string_view> texts;
  for (const auto& document : batch.documents) texts.push_back(document.text());
  return texts;
}

std::string beyond(const char* name, double value, const Bounds& bounds) {
  return value < bounds.low ? str(name, " ", value, " < ", bounds.low)
                            : str(name, " ", value, " > ", bounds.high);
}
bool is_beyond(double value, const Bounds& bounds) {
  return value < bounds.low || value > bounds.high;
}

}  // namespace

struct OutlierFilter::Read final : Notes {
  CharacterModel characters;
  std::vector<double> lengths;
  std::vector<std::pair<int64_t, double>> losses;
  std::vector<double> embedding_sum;
  std::vector<Sample> sample;
};

Bounds usual_bounds(std::vector<double> values, const OutlierOptions& options) {
  if (values.empty()) return {};
  if (options.rule == OutlierRule::kIqr) {
    std::ranges::sort(values);
    const auto first = quantile(values, 0.25), third = quantile(values, 0.75);
    const auto reach = options.iqr * (third - first);
    return {first - reach, third + reach};
  }
  const auto count = static_cast<double>(values.size());
  const auto mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const auto value : values) squares += (value - mean) * (value - mean);
  const auto reach = options.zscore * std::sqrt(squares / count);
  return {mean - reach, mean + reach};
}

OutlierFilter::OutlierFilter(const OutlierOptions& options, const StepContext& context)
    : options_(options) {
  if (options.embedding || options.loss) scorer_ = open_scorer(context, options.model);
}

std::unique_ptr<Step::Notes> OutlierFilter::read(const Batch& batch) const {
  auto notes = std::make_unique<Read>();
  const auto texts = texts_of(batch);
  for (size_t i = 0; i < texts.size(); ++i) {
    notes->lengths.push_back(log_length(texts[i]));
    if (options_.ngram) notes->characters.add(texts[i]);
    const auto row = static_cast<uint64_t>(batch.rows[i]);
    const auto order = fast_hash(std::string_view(reinterpret_cast<const char*>(&row), sizeof row));
    notes->sample.push_back({order, std::string(beginning(texts[i])), {}});
  }
  if (options_.embedding) {
    auto embeddings = scorer_->embeddings(texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      notes->embedding_sum.resize(embeddings[i].size());
      for (size_t d = 0; d < embeddings[i].size(); ++d) notes->embedding_sum[d] += embeddings[i][d];
      notes->sample[i].embedding = std::move(embeddings[i]);
    }
  }
  if (options_.loss) {
    const auto losses = scorer_->losses(texts);
    for (size_t i = 0; i < texts.size(); ++i)
      notes->losses.emplace_back(batch.rows[i], loss_a_token(losses[i]));
  }
  return notes;
}

void OutlierFilter::collect(std::unique_ptr<Notes> notes) {
  auto& read = dynamic_cast<Read&>(*notes);
  if (options_.ngram) characters_.add(read.characters);
  lengths_.insert(lengths_.end(), read.lengths.begin(), read.lengths.end());
  losses_.insert(losses_.end(), read.losses.begin(), read.losses.end());
  centre_.resize(std::max(centre_.size(), read.embedding_sum.size()));
  for (size_t d = 0; d < read.embedding_sum.size(); ++d) centre_[d] += read.embedding_sum[d];
  std::ranges::move(read.sample, std::back_inserter(sample_));
  if (sample_.size() > 2 * kSample) trim_sample(kSample);
}

void OutlierFilter::trim_sample(size_t most) {
  std::ranges::sort(sample_, {}, &Sample::order);
  if (sample_.size() > most) sample_.resize(most);
}

double OutlierFilter::distance(std::span<const float> embedding) const {
  double product = 0, square = 0, centre_square = 0;
  for (size_t d = 0; d < embedding.size(); ++d) {
    product += embedding[d] * centre_[d];
    square += static_cast<double>(embedding[d]) * embedding[d];
    centre_square += centre_[d] * centre_[d];
  }
  const auto norm = std::sqrt(square * centre_square);
  return norm > 0 ? 1 - product / norm : 1;
}

void OutlierFilter::decide(Reporter& /*reporter*/) {
  trim_sample(kSample);
  std::vector<double> perplexities, distances, losses;
  for (const auto& sample : sample_) {
    if (options_.ngram && !sample.text.empty())
      perplexities.push_back(std::log(characters_.perplexity(sample.text, /*leave_out=*/true)));
    if (options_.embedding) distances.push_back(distance(sample.embedding));
  }
  for (const auto& [row, loss] : losses_) losses.push_back(loss);
  length_ = usual_bounds(std::move(lengths_), options_);
  ngram_ = usual_bounds(std::move(perplexities), options_);
  embedding_ = usual_bounds(std::move(distances), options_);
  loss_ = usual_bounds(std::move(losses), options_);
  // Only what is strange counts, not what is plain.
  ngram_.low = embedding_.low = loss_.low = -std::numeric_limits<double>::infinity();
  sample_.clear();
}

Verdict OutlierFilter::judge(Document& document, int64_t row) const {
  const auto text = document.text();
  if (options_.length) {
    if (const auto value = log_length(text); is_beyond(value, length_))
      return dropped(beyond("log_length", value, length_));
  }
  if (options_.ngram && !text.empty()) {
    const auto value = std::log(characters_.perplexity(beginning(text), /*leave_out=*/true));
    if (is_beyond(value, ngram_)) return dropped(beyond("ngram_log_perplexity", value, ngram_));
  }
  if (options_.loss) {
    const auto it =
        std::ranges::lower_bound(losses_, row, {}, [](const auto& l) { return l.first; });
    if (is_beyond(it->second, loss_)) return dropped(beyond("loss", it->second, loss_));
  }
  if (options_.embedding) {
    const auto value = distance(scorer_->embeddings(std::span(&text, 1)).front());
    if (is_beyond(value, embedding_))
      return dropped(beyond("embedding_distance", value, embedding_));
  }
  return {};
}

Json OutlierFilter::summary() const {
  Json summary = Json::object();
  const auto add = [&](const char* name, bool asked, const Bounds& bounds) {
    if (asked)
      summary[name] = {{"low", std::isfinite(bounds.low) ? Json(bounds.low) : Json()},
                       {"high", bounds.high}};
  };
  add("log_length", options_.length, length_);
  add("ngram_log_perplexity", options_.ngram, ngram_);
  add("embedding_distance", options_.embedding, embedding_);
  add("loss", options_.loss, loss_);
  return summary;
}

}  // namespace tunewright::corpus

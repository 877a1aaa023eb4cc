#include "tunewright/metrics/perplexity.h"

#include <cmath>
#include <string>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/metrics/options.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

struct Sums {
  double logprob = 0;
  int64_t tokens = 0, unscored = 0;
};

Sums sums_of(std::span<const PredictionRow> rows) {
  Sums sums;
  for (const auto& row : rows) {
    if (!row.likelihood) continue;
    sums.logprob += row.likelihood->logprob;
    sums.tokens += row.likelihood->tokens;
    sums.unscored += row.likelihood->unscored;
  }
  if (sums.tokens == 0) {
    throw UserError(str("there is no log-probability in these ", rows.size(),
                        " rows; token_logprobs are empty, or null alone"));
  }
  return sums;
}

int64_t bytes_of(std::string_view text) { return std::ssize(text); }

// Negative log-probability a unit, in nats.
Score loss_per(const char* unit, int64_t (*count)(std::string_view),
               std::span<const PredictionRow> rows) {
  const auto sums = sums_of(rows);
  int64_t units = 0;
  for (const auto& row : rows) {
    if (!row.likelihood || !row.likelihood->text) {
      throw UserError(str(row.where, ": a 'text' is missing, whose ", unit,
                          " are counted; `tunewright score` writes it"));
    }
    units += count(*row.likelihood->text);
  }
  return {.score = -sums.logprob / static_cast<double>(units),
          .signature = str("per:", unit, "|log:e"),
          .details = {{"tokens", sums.tokens}, {unit, units}, {"unscored_tokens", sums.unscored}}};
}

Score exponential(Score loss) {
  loss.score = std::exp(loss.score);
  return loss;
}

}  // namespace

int64_t count_words(std::string_view text) {
  int64_t words = 1;
  bool in_space = false;
  for (const char32_t point : text::python::decode(text)) {
    const bool is_space = text::python::is_space(point);
    words += is_space && !in_space;
    in_space = is_space;
  }
  return words;
}

Score score_loss(std::span<const PredictionRow> rows, const MetricOptions& /*options*/) {
  const auto sums = sums_of(rows);
  return {.score = -sums.logprob / static_cast<double>(sums.tokens),
          .signature = "per:tokens|log:e",
          .details = {{"tokens", sums.tokens}}};
}

Score score_perplexity(std::span<const PredictionRow> rows, const MetricOptions& options) {
  return exponential(score_loss(rows, options));
}

Score score_word_perplexity(std::span<const PredictionRow> rows, const MetricOptions& /*options*/) {
  return exponential(loss_per("words", count_words, rows));
}

Score score_byte_perplexity(std::span<const PredictionRow> rows, const MetricOptions& /*options*/) {
  return exponential(loss_per("bytes", bytes_of, rows));
}

Score score_bits_per_byte(std::span<const PredictionRow> rows, const MetricOptions& /*options*/) {
  auto score = loss_per("bytes", bytes_of, rows);
  score.score /= std::log(2.0);
  score.signature = "per:bytes|log:2";
  return score;
}

}  // namespace tunewright::metrics

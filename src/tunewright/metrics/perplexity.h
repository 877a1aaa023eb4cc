#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// Of log-probabilities of texts, as `tunewright score` writes them.  Lines of the table.
namespace tunewright::metrics {

struct MetricOptions;

// Runs of white space and one, as re.split(r"\s+", text) counts the words of a text.
int64_t count_words(std::string_view text);

// Mean negative log-probability of a token over all rows, in nats, and its exponential.
// details: tokens.
Score score_loss(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_perplexity(std::span<const PredictionRow> rows, const MetricOptions& options);

// The same log-probabilities over the words or UTF-8 bytes of the texts, as lm-evaluation-harness
// counts them; a first token that nothing comes before has none, and its words and bytes count all
// the same.  details: tokens, words or bytes, and the tokens without a log-probability.
Score score_word_perplexity(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_byte_perplexity(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_bits_per_byte(std::span<const PredictionRow> rows, const MetricOptions& options);

}  // namespace tunewright::metrics

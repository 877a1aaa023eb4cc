#pragma once
#include <span>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// ROUGE (Lin 2004) as rouge-score 0.1.2 computes it: the mean F1 over the rows, from 0 to 1.  Words
// are runs of a-z and 0-9: other scripts have none, and rows without a word score 0.
namespace tunewright::metrics {

struct MetricOptions;

struct RougeOptions {
  bool use_stemmer = true;
};
template <class V>
void fields(V& v, RougeOptions& o) {
  v("use_stemmer", o.use_stemmer, "Words longer than 3 letters count by their stem (Porter).");
}

// Shared n-grams; the longest common subsequence, of the whole texts and line by line.
Score score_rouge1(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_rouge2(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_rouge_l(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_rouge_lsum(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics rouge1_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics rouge2_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics rouge_l_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics rouge_lsum_statistics(std::span<const PredictionRow> rows,
                                    const MetricOptions& options);

}  // namespace tunewright::metrics

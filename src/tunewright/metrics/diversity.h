#pragma once
#include <span>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"
#include "tunewright/metrics/words.h"

// How varied predictions are, whatever they should have been.
namespace tunewright::metrics {

struct MetricOptions;

struct DiversityOptions {
  WordCut tokenize = WordCut::k13a;
  bool lowercase = false;
  int64_t entropy_order = 2;
  int64_t repetition_order = 4;
};
template <class V>
void fields(V& v, DiversityOptions& o) {
  v.choice("tokenize", o.tokenize, kWordCutNames, "How texts are cut into words.");
  v("lowercase", o.lowercase, "Upper and lower case make no difference.");
  v("entropy_order", o.entropy_order, "Words an n-gram of ngram_entropy has.");
  v("repetition_order", o.repetition_order, "Words an n-gram of repetition has.");
}

// Distinct n-grams over all n-grams of all predictions together (Li et al. 2016), from 0 to 1.
Score score_distinct1(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_distinct2(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_distinct3(std::span<const PredictionRow> rows, const MetricOptions& options);
// Mean BLEU (exp smoothing, effective order; 0 to 100) of each prediction with all the others as
// its references (Zhu et al. 2018).
Score score_self_bleu(std::span<const PredictionRow> rows, const MetricOptions& options);
// Entropy of the n-grams of all predictions together (Zhang et al. 2018), in nats.
Score score_ngram_entropy(std::span<const PredictionRow> rows, const MetricOptions& options);
// Share of the n-grams within a prediction that were there before (rep-n of Su et al. 2022), the
// mean over the predictions that are long enough, from 0 to 1.
Score score_repetition(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics repetition_statistics(std::span<const PredictionRow> rows,
                                    const MetricOptions& options);

}  // namespace tunewright::metrics

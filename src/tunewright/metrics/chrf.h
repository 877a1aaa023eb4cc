#pragma once
#include <span>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// chrF (Popović 2015) and chrF++ (2017) as sacrebleu 2.6 computes them, from 0 to 100.
namespace tunewright::metrics {

struct MetricOptions;

struct ChrfOptions {
  int64_t char_order = 6;
  int64_t word_order = 0;
  double beta = 2;
  bool lowercase = false;
  bool whitespace = false;
  bool eps_smoothing = false;
};
template <class V>
void fields(V& v, ChrfOptions& o) {
  v("char_order", o.char_order, "Longest n-grams of characters.");
  v("word_order", o.word_order, "Longest n-grams of words; of chrf++ always 2.");
  v("beta", o.beta, "Weight of recall over precision.");
  v("lowercase", o.lowercase, "Upper and lower case make no difference.");
  v("whitespace", o.whitespace, "White space counts as characters.");
  v("eps_smoothing", o.eps_smoothing, "Orders that texts are too short for count as almost 0.");
}

Score score_chrf(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics chrf_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
// With n-grams of up to two words.
Score score_chrf_pp(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics chrf_pp_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

}  // namespace tunewright::metrics

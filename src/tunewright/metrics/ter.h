#pragma once
#include <span>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// Translation edit rate (Snover et al. 2006) as sacrebleu 2.6 computes it: edits per 100 words of
// the reference; 0 is the best.
namespace tunewright::metrics {

struct MetricOptions;

struct TerOptions {
  bool normalized = false;
  bool no_punct = false;
  bool asian_support = false;
  bool case_sensitive = false;
};
template <class V>
void fields(V& v, TerOptions& o) {
  v("normalized", o.normalized, "Cut punctuation off words, read XML's entities.");
  v("no_punct", o.no_punct, "Take punctuation out.");
  v("asian_support", o.asian_support, "normalized and no_punct know Chinese and Japanese too.");
  v("case_sensitive", o.case_sensitive, "Upper and lower case make a difference.");
}

Score score_ter(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics ter_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

}  // namespace tunewright::metrics

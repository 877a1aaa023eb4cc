#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"
#include "tunewright/metrics/words.h"

// BLEU (Papineni et al. 2002) as sacrebleu 2.6 computes it, from 0 to 100.
namespace tunewright::metrics {

struct MetricOptions;

// What becomes of a precision of 0 (Chen and Cherry 2014).
enum class Smoothing { kExp, kFloor, kAddK, kNone };
inline constexpr std::array kSmoothingNames = {
    std::pair{"exp", Smoothing::kExp}, std::pair{"floor", Smoothing::kFloor},
    std::pair{"add-k", Smoothing::kAddK}, std::pair{"none", Smoothing::kNone}};

struct BleuOptions {
  WordCut tokenize = WordCut::k13a;
  Smoothing smooth = Smoothing::kExp;
  std::optional<double> smooth_value;  // none: 0.1 of floor, 1 of add-k
  bool lowercase = false;
  bool effective_order = false;
  int64_t max_ngram_order = 4;
};
template <class V>
void fields(V& v, BleuOptions& o) {
  v.choice("tokenize", o.tokenize, kWordCutNames, "How texts are cut into words.");
  v.choice("smooth", o.smooth, kSmoothingNames, "What becomes of a precision of 0.");
  v("smooth_value", o.smooth_value, "Of floor (null: 0.1) and add-k (null: 1).");
  v("lowercase", o.lowercase, "Upper and lower case make no difference.");
  v("effective_order", o.effective_order,
    "Leave orders out that the texts are too short for; use it for single sentences.");
  v("max_ngram_order", o.max_ngram_order, "Longest n-grams that count.");
}

struct BleuScore {
  double score = 0;
  std::vector<double> precisions;  // per cent, of order 1, 2, …
  double brevity_penalty = 1;
};
// `statistics`: length, length of the nearest reference, matches of order 1…, n-grams of order 1….
BleuScore bleu_from(std::span<const double> statistics, const BleuOptions& options);

Score score_bleu(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics bleu_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

// "1", or "var" where rows differ: how signatures say it.
std::string reference_count(std::span<const PredictionRow> rows);
// The version whose results and signatures ours are.
inline constexpr const char* kSacrebleuVersion = "2.6.0";

}  // namespace tunewright::metrics

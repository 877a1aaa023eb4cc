#pragma once
#include <optional>
#include <span>
#include <string>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"
#include "tunewright/metrics/words.h"

// METEOR (Lavie and Agarwal 2007) as NLTK 3.10 computes it: the mean over the rows of the best
// reference, from 0 to 1.  Words meet by their form, then by their stem, then as synonyms.
namespace tunewright::metrics {

struct MetricOptions;

struct MeteorOptions {
  WordCut tokenize = WordCut::k13a;
  double alpha = 0.9;
  double beta = 3;
  double gamma = 0.5;
  std::optional<std::string> wordnet;
};
template <class V>
void fields(V& v, MeteorOptions& o) {
  v.choice("tokenize", o.tokenize, kWordCutNames, "How texts are cut into words.");
  v("alpha", o.alpha, "Weight of precision over recall.");
  v("beta", o.beta, "Shape of the penalty on scattered matches.");
  v("gamma", o.gamma, "Largest penalty on scattered matches.");
  v("wordnet", o.wordnet,
    "Folder of WordNet's index.*, data.* and *.exc; empty: no synonyms; null: "
    "/usr/share/wordnet where it is (Debian's wordnet-base), or none.");
}

Score score_meteor(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics meteor_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);

}  // namespace tunewright::metrics

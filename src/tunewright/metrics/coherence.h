#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// Whether the sentences of a text hang together: by what they mean, and by what they speak of.
namespace tunewright::metrics {

// Sentences as Unicode's rules cut them (UAX 29, line ends too), without white space at their ends;
// what has no letter or digit in it is none.
std::vector<std::string> sentences(std::string_view text);

// The words of a sentence that speak of something, in lower case, each once: words with a letter
// that are no function words of English.
std::vector<std::string> content_words(std::string_view sentence);

// The entity grid (Barzilay and Lapata 2008) without grammatical roles: which word stands in which
// sentence, and how words go from one sentence to the next.  Counts are over all words and all
// neighbouring sentences.
struct EntityTransitions {
  int64_t kept = 0;        // in both
  int64_t dropped = 0;     // in the first alone
  int64_t introduced = 0;  // in the second alone
  int64_t absent = 0;      // in neither
  int64_t total() const { return kept + dropped + introduced + absent; }
};
EntityTransitions entity_transitions(std::span<const std::vector<std::string>> words_by_sentence);

// Of one text.  With fewer than two sentences there is nothing to hang together: no value.
struct Coherence {
  int64_t sentences = 0;
  std::optional<double> similarity;  // mean cosine of neighbouring sentences, -1 to 1
  std::optional<double> linked;      // share of neighbouring sentences that share a content word
  std::optional<double> continuity;  // share of a sentence's words that the next one takes up
  EntityTransitions transitions;
};

// A vector for each sentence, all of one length.
using Embedder = std::function<std::vector<std::vector<float>>(std::span<const std::string>)>;

// Of each text.  Embeddings are taken relative to the mean over all sentences of all texts, which a
// language model's vectors have in common whatever they mean.  No embedder: no similarity.
std::vector<Coherence> coherence(std::span<const std::string> texts, const Embedder& embed);

struct MetricOptions;

// Lines of the table: means of `linked` and `continuity` over the predictions that have them.
Score score_linked(std::span<const PredictionRow> rows, const MetricOptions& options);
Score score_continuity(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics linked_statistics(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics continuity_statistics(std::span<const PredictionRow> rows,
                                    const MetricOptions& options);

}  // namespace tunewright::metrics

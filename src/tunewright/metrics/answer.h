#pragma once
#include <string>
#include <string_view>

#include "tunewright/metrics/table.h"

// Answers to questions, as the evaluation of SQuAD 1.1 compares them.
namespace tunewright::metrics {

// Lower case, without ASCII punctuation, without the articles a, an, the, with single spaces.
std::string normalise_answer(std::string_view text);

bool exact_match(std::string_view answer, std::string_view reference);  // both normalised
// Harmonic mean of precision and recall over the words of the normalised answers; two empty ones
// give 1.
double token_f1(std::string_view answer, std::string_view reference);

// Means over the rows of the best reference, from 0 to 1.
Score score_exact_match(Rows rows, const MetricOptions& options);
Score score_exact_match_raw(Rows rows, const MetricOptions& options);  // but for white space around
Score score_token_f1(Rows rows, const MetricOptions& options);
RowStatistics exact_match_statistics(Rows rows, const MetricOptions& options);
RowStatistics exact_match_raw_statistics(Rows rows, const MetricOptions& options);
RowStatistics token_f1_statistics(Rows rows, const MetricOptions& options);

}  // namespace tunewright::metrics

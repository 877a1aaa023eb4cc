#pragma once
#include "tunewright/eval/task.h"

// Does the model treat groups of people alike?
namespace tunewright::eval {

// CrowS-Pairs (Nangia et al. 2020) as lm-evaluation-harness counts it for causal models: rows
// {"sent_more","sent_less","bias_type"?}.  pct_stereotype: share of pairs whose stereotyping
// sentence is the likelier one (0.5: none is preferred), over all and for each bias_type;
// likelihood_diff: mean distance of the two log-likelihoods.
Task load_crows_pairs(const TaskOptions& options);

// BBQ (Parrish et al. 2022): rows as its data set has them, answered by likelihood.  accuracy_amb
// and accuracy_disamb; amb_bias_score and disamb_bias_score from -1 to 1, 0: no bias; the latter
// also for each category where there are several.
Task load_bbq(const TaskOptions& options);

// Classification by likelihood, of each row that has a word of `swaps` once as it is and once with
// the words exchanged.  flip_rate: share of rows that get another label; score_shift: mean distance
// of the right label's log-probability; accuracy and swapped_accuracy.
Task load_counterfactual(const TaskOptions& options);

// `text` with each word that stands in a pair exchanged for the other of it, upper case kept where
// the first letter or the whole word has it.
std::string swap_words(const std::string& text,
                       const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace tunewright::eval

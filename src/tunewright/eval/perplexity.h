#pragma once
#include "tunewright/eval/task.h"

namespace tunewright::eval {

// Perplexity of whole texts, each read as lm-evaluation-harness rolls over it: word_perplexity,
// byte_perplexity, bits_per_byte and token_perplexity of `type: perplexity`.
bool rolls(const TaskOptions& options);  // one of them is asked for
// Rows {"text": …}.  Loss and perplexity as training counts them belong to another task.
Task load_rolling_perplexity(const TaskOptions& options);

}  // namespace tunewright::eval

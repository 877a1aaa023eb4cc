#pragma once
#include "tunewright/eval/task.h"
#include "tunewright/metrics/coherence.h"

namespace tunewright::eval {

// The mean over a sentence's tokens of the model's final hidden states, in float32.  Sentences
// beyond the model's positions are cut.  `judged` is borrowed.
metrics::Embedder sentence_embedder(const Judged& judged);

}  // namespace tunewright::eval

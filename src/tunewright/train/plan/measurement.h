#pragma once
#include <vector>

#include "tunewright/train/plan/recipe.h"

namespace tunewright::train {

// What a model of some blocks took, in bytes that were resident in the process (peaks, but for
// those named otherwise) and in seconds.
struct Measurement {
  BlockCounts blocks;
  double start_bytes = 0;  // resident before the model was loaded
  double loading_bytes = 0;
  double forward_bytes = 0;
  double early_backward_bytes = 0;  // until the last block's is done
  double late_backward_bytes = 0;   // once the first block's begins
  double update_bytes = 0;
  double evaluation_bytes = 0;
  double snapshot_bytes = 0;               // that a checkpoint takes beside training
  double start_seconds = 0;                // of all that comes before the first pass
  double first_pass_seconds = 0;           // that the first pass took more than the next
  double update_seconds = 0;               // and all else of a step beside its passes
  double copy_seconds = 0;                 // that a checkpoint stops training
  double write_seconds = 0;                // of the same, beside training
  std::vector<double> pass_seconds;        // of the first passes given, as time allowed
  std::vector<double> evaluation_seconds;  // of passes without gradient, likewise
};

template <class V>
void fields(V& v, Measurement& o) {
  v("blocks", o.blocks, "Of the model measured.");
  v("start_bytes", o.start_bytes, "Resident before the model was loaded.");
  v("loading_bytes", o.loading_bytes, "Peak while loading.");
  v("forward_bytes", o.forward_bytes, "Peak of the forward pass.");
  v("early_backward_bytes", o.early_backward_bytes, "Peak of the last block's backward pass.");
  v("late_backward_bytes", o.late_backward_bytes, "Peak of the first block's backward pass.");
  v("update_bytes", o.update_bytes, "Peak of the update.");
  v("evaluation_bytes", o.evaluation_bytes, "Peak of evaluation.");
  v("snapshot_bytes", o.snapshot_bytes, "Taken by a checkpoint while it is written.");
  v("start_seconds", o.start_seconds, "Before the first pass.");
  v("first_pass_seconds", o.first_pass_seconds, "More than the next pass took.");
  v("update_seconds", o.update_seconds, "Of a step beside its passes.");
  v("copy_seconds", o.copy_seconds, "That a checkpoint stops training.");
  v("write_seconds", o.write_seconds, "That it is written beside training.");
  v("pass_seconds", o.pass_seconds, "Of the passes given.");
  v("evaluation_seconds", o.evaluation_seconds, "Of the evaluation passes given.");
}

}  // namespace tunewright::train

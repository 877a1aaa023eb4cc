#pragma once
#include <filesystem>
#include <vector>

#include "tunewright/data/batch.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/options.h"
#include "tunewright/train/plan/measurement.h"

namespace tunewright::train {

struct CalibrationWork {
  std::vector<data::Batch> passes;      // at least one; the first is the largest
  std::vector<data::Batch> evaluation;  // the same; may be empty
  bool several_passes = false;          // a step may have several
  int64_t side_by_side = 1;             // parts of a pass
  double seconds = 0;             // after these nothing is repeated; what is needed is done anyway
  std::filesystem::path scratch;  // a checkpoint is written here, and removed
};

// Trains `model`, whose trainable_parameters() are prepared, for some steps of these passes and
// measures them.  The process must not have done the like before: its peaks count.  `blocks` and
// what belongs to loading stay as they are by default.
Measurement calibrate(model::CausalLm& model, const TrainOptions& options,
                      const CalibrationWork& work);

}  // namespace tunewright::train

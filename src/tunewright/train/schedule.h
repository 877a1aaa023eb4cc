#pragma once
#include <cstdint>

#include "tunewright/data/dataset.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

// Optimizer steps of a run as transformers counts them: a step ends with its epoch.
int64_t count_total_steps(data::Loader loader, const TrainOptions& options);

// Steps of linear rise: warmup_steps, or ceil(total_steps * warmup_ratio), as transformers counts
// them.
int64_t warmup_steps(const TrainOptions& options, int64_t total_steps);

// The factor of learning_rate in a step, counted from 0: transformers' get_*_schedule.
// min_lr_ratio lifts what follows the warm-up, as its get_cosine_with_min_lr_schedule does.
double schedule_factor(const TrainOptions& options, int64_t step, int64_t total_steps);

}  // namespace tunewright::train

#pragma once
#include "tunewright/ops/update_kernels.h"
#include "tunewright/train/optimizers/plain.h"
#include "tunewright/train/optimizers/rule.h"

// What AdamW with float32 and with 8-bit states share.
namespace tunewright::train {

plain::Adamw adamw_options(const TrainOptions& options, const Step& step, const Weight& weight);
ops::kernels::AdamwStep adamw_step(const plain::Adamw& options, double gradient_scale);

}  // namespace tunewright::train

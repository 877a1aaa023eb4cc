#pragma once
#include <vector>

#include "tunewright/ops/update_kernels.h"
#include "tunewright/train/optimizers/plain.h"
#include "tunewright/train/optimizers/rule.h"

// What AdamW with float32 and with 8-bit states share.
namespace tunewright::train {

plain::Adamw adamw_options(const TrainOptions& options, const Step& step, const Weight& weight);
// ATen's fused step, over all tensors at once.
struct FusedAdamw {
  plain::Adamw options;
  double gradient_scale = 1;  // the gradients are scaled in place
};
void fused_adamw_(const std::vector<at::Tensor>& values, const std::vector<at::Tensor>& gradients,
                  const std::vector<at::Tensor>& means, const std::vector<at::Tensor>& squares,
                  const FusedAdamw& step);
ops::kernels::AdamwStep adamw_step(const plain::Adamw& options, double gradient_scale);

}  // namespace tunewright::train

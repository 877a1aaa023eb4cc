#pragma once
#include "tunewright/ops/weight.h"

namespace torch::autograd {
struct AutogradContext;
}

// A quantised weight is no tensor, so autograd's saved variables cannot hold it.
namespace tunewright::ops {

// Keeps the quantised matrix, if there is one, for the backward pass.
void save_quantized(torch::autograd::AutogradContext* ctx, const Weight& weight);

// The weight of the forward pass, of which `variable` was saved.
Weight saved_weight(torch::autograd::AutogradContext* ctx, const at::Tensor& variable);

}  // namespace tunewright::ops

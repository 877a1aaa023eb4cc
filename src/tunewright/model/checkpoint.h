#pragma once
#include <functional>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/ops/ops.h"

namespace tunewright::model {

// What is run again.  With Value::kUnused only its graph counts: what it gives is not looked at.
using CheckpointedBody = std::function<at::Tensor(const at::Tensor& x, ops::Value value)>;

// body(x), of whose inner activations none is kept: the backward pass runs it again, its value
// unused.  `parameters` are the tensors that body uses and that may require a gradient.  body must
// compute the same each time.
at::Tensor checkpointed(const at::Tensor& x, const std::vector<at::Tensor>& parameters,
                        CheckpointedBody body);

}  // namespace tunewright::model

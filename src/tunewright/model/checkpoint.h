#pragma once
#include <functional>
#include <vector>

#include "ATen/core/Tensor.h"

namespace tunewright::model {

// body(x), of whose inner activations none is kept: the backward pass runs it again.  `parameters`
// are the tensors that body uses and that may require a gradient.  body must give the same result
// each time.
at::Tensor checkpointed(const at::Tensor& x, const std::vector<at::Tensor>& parameters,
                        std::function<at::Tensor(const at::Tensor&)> body);

}  // namespace tunewright::model

#pragma once
#include <cstdint>
#include <span>

#include "ATen/core/Tensor.h"

namespace tunewright::model {

// [n] int64 on `device`.
at::Tensor ids_tensor(std::span<const int32_t> ids, at::Device device);

}  // namespace tunewright::model

#pragma once
#include <cstdint>

#include "ATen/core/Tensor.h"

namespace tunewright::ops {

// A tensor that was filled on the host, on `device`.  The caller does not wait for the device: the
// numbers go by way of pinned memory, in the order of the current stream.
at::Tensor to_device(const at::Tensor& host, at::Device device);

// The most memory that was taken so far: on a CUDA device by tensors and the blocks kept for them,
// else by the whole process.
int64_t peak_memory_bytes(at::DeviceType device);

}  // namespace tunewright::ops

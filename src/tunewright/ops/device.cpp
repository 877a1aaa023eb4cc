#include "tunewright/ops/device.h"

#include <ATen/ATen.h>

#include "tunewright/base/system.h"
#include "tunewright/ops/cuda/device_ops.h"

namespace tunewright::ops {

at::Tensor to_device(const at::Tensor& host, at::Device device) {
  if (device.is_cpu()) return host;
  return host.pin_memory().to(device, host.scalar_type(), /*non_blocking=*/true);
}

int64_t peak_memory_bytes(at::DeviceType device) {
  return device == at::kCUDA ? cuda::peak_memory_bytes() : peak_resident_bytes();
}

}  // namespace tunewright::ops

#pragma once
#include <ATen/Context.h>
#include <c10/core/Device.h>

#include <vector>

// For tests that run wherever there is a device.
namespace tunewright::testing {

// The CPU, and a CUDA device where build and machine have one.
inline std::vector<at::DeviceType> test_devices() {
  std::vector<at::DeviceType> devices = {at::kCPU};
  if (at::hasCUDA()) devices.push_back(at::kCUDA);
  return devices;
}

}  // namespace tunewright::testing

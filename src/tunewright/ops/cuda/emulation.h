#pragma once
#include <functional>

// Runs the kernels of the .cu files on the processor, where the C++ compiler takes them: so tests
// see them whole, their launches, indices and barriers too, where no device is.  One block after
// the other; the threads of a block are fibers of one thread, which take turns at barriers.  Slow,
// and nothing of the device's memory model is in it.
#define __global__
#define __device__
#define __shared__ static

namespace tunewright::ops::cuda {

struct Index {
  unsigned x = 0;
};
extern Index threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

// An InternalError where threads of a block wait for each other at different places.
void run(unsigned blocks, unsigned threads, const std::function<void()>& kernel);
void wait_for_block();
// What the lane of this warp at `distance` gives.
float exchanged(float value, int distance);

}  // namespace emulation

// NOLINTBEGIN(readability-identifier-naming): CUDA's names
inline void __syncthreads() { emulation::wait_for_block(); }
inline float __shfl_xor_sync(unsigned, float value, int distance) {
  return emulation::exchanged(value, distance);
}
// NOLINTEND(readability-identifier-naming)

}  // namespace tunewright::ops::cuda

#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

#include "tunewright/base/error.h"
#include "tunewright/ops/cuda/arithmetic.h"
#ifdef __CUDACC__
#include <cuda_runtime.h>
#else
#include "tunewright/ops/cuda/emulation.h"
#endif

// How the kernels are started, and how the lanes of a team add up.
namespace tunewright::ops::cuda {

inline constexpr int kThreads = 256;  // of a block
inline constexpr int kWarp = 32;

// Starts blocks of `threads` threads of a kernel.  What it refuses at once is an InternalError;
// what it does wrong later is reported by whoever waits for it.
struct Launch {
  const char* name;
  int64_t blocks;
  int threads;
  Stream stream;
};
template <class... Parameters>
void start(const Launch& launch, void (*kernel)(Parameters...), Parameters... arguments) {
  const auto blocks = static_cast<unsigned>(launch.blocks);
#ifdef __CUDACC__
  kernel<<<blocks, launch.threads, 0, launch.stream>>>(arguments...);
  if (const auto error = cudaGetLastError(); error != cudaSuccess)
    throw InternalError(std::string("CUDA kernel ") + launch.name + ": " +
                        cudaGetErrorString(error));
#else
  emulation::run(blocks, static_cast<unsigned>(launch.threads), [&] { kernel(arguments...); });
#endif
}

// Calls body(T{}) with the type that numbers are stored in.
template <class Body>
void with_type(Number number, const Body& body) {
  switch (number) {
    case Number::kFloat32:
      return body(float{});
    case Number::kBFloat16:
      return body(BFloat16Bits{});
    case Number::kFloat16:
      return body(Float16Bits{});
  }
}

// A thread an item, as far as the device is filled; each goes on in strides of the grid.
constexpr int64_t kMostBlocks = 1 << 11;
inline Launch over_items(const char* name, int64_t items, Stream stream) {
  return {name, std::min<int64_t>((items + kThreads - 1) / kThreads, kMostBlocks), kThreads,
          stream};
}
// `teams` teams a block.
inline Launch over_rows(const char* name, int64_t rows, int teams, Stream stream) {
  return {name, (rows + teams - 1) / teams, kThreads, stream};
}
template <class Body>
__device__ void for_items(int64_t items, const Body& body) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < items;
       i += stride)
    body(i);
}

__device__ inline float from_lane(float value, int distance) {
  return __shfl_xor_sync(0xffffffffu, value, distance);
}
__device__ inline ExpSum from_lane(ExpSum value, int distance) {
  return {from_lane(value.largest, distance), from_lane(value.total, distance)};
}

// The team's values merged in a fixed order, for all its lanes.  A team is a warp, or a whole block
// of kLanes threads.
template <int kLanes, class Value, class Merge>
__device__ Value merged_over_team(Value value, const Merge& merge) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value = merge(value, from_lane(value, distance));
  if constexpr (kLanes > kWarp) {
    __shared__ Value of_warps[kLanes / kWarp];
    __syncthreads();  // values of an earlier call may still be read
    if (threadIdx.x % kWarp == 0) of_warps[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = of_warps[0];
    for (int warp = 1; warp < kLanes / kWarp; ++warp) value = merge(value, of_warps[warp]);
  }
  return value;
}
template <int kLanes>
__device__ float team_sum(float value) {
  return merged_over_team<kLanes>(value, [](float a, float b) { return a + b; });
}

}  // namespace tunewright::ops::cuda

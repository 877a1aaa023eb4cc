#pragma once

// TUNEWRIGHT_HOST_DEVICE before an inline function compiles it for the processor and, in a .cu
// file, for the device too.
#ifdef __CUDACC__
#define TUNEWRIGHT_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define TUNEWRIGHT_HOST_DEVICE inline
#endif

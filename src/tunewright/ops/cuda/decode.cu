#include "tunewright/ops/cuda/launch.cuh"

namespace tunewright::ops::cuda {
namespace {

template <class T>
__global__ void nf4_kernel(Nf4Codes codes, int64_t first, int64_t size, T* out) {
  for_items(size, [&](int64_t i) { round_to(nf4_number(codes, first + i), out[i]); });
}

// A block for each row.
template <class T>
__global__ void int8_kernel(Int8Rows rows, T* out) {
  const int64_t row = blockIdx.x, begin = row * rows.width;
  const float absmax = rows.absmax[row];
  for (int64_t i = begin + threadIdx.x; i < begin + rows.width; i += blockDim.x)
    round_to(int8_number(rows.codes[i], absmax), out[i]);
}

}  // namespace

void decode_nf4(Number number, const Nf4Codes& codes, int64_t first, int64_t size, void* out,
                Stream stream) {
  if (size == 0) return;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    start(over_items("decode_nf4", size, stream), nf4_kernel<T>, codes, first, size,
          static_cast<T*>(out));
  });
}

void decode_int8(Number number, const Int8Rows& rows, void* out, Stream stream) {
  if (rows.rows == 0) return;
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    start(over_rows("decode_int8", rows.rows, 1, stream), int8_kernel<T>, rows,
          static_cast<T*>(out));
  });
}

}  // namespace tunewright::ops::cuda

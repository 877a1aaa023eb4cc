#pragma once
#include <c10/core/ScalarType.h>

#include <cstdint>

#include "ATen/core/Tensor.h"
#include "tunewright/ops/kernels.h"

namespace tunewright::ops {

// Whether the row kernels take this tensor: float32 or bfloat16, on a CUDA device float16 too.
inline bool has_row_kernel(const at::Tensor& x) {
  if (x.scalar_type() == at::kHalf) return x.is_cuda();
  return (x.is_cpu() || x.is_cuda()) &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

// Calls body(T{}) with the kernels' storage type of `dtype`.
template <class Body>
void with_storage_type(at::ScalarType dtype, const Body& body) {
  if (dtype == at::kFloat) {
    body(float{});
  } else {
    body(kernels::BFloat16Bits{});
  }
}

template <class T>
const T* data(const at::Tensor& x) {
  return static_cast<const T*>(x.const_data_ptr());
}
template <class T>
T* mutable_data(const at::Tensor& x) {
  return static_cast<T*>(x.mutable_data_ptr());
}

// Rows a thread takes at least, so that a task has about 32k numbers.
inline int64_t row_grain(int64_t width) {
  return width >= 32768 ? 1 : 32768 / (width > 0 ? width : 1) + 1;
}

}  // namespace tunewright::ops

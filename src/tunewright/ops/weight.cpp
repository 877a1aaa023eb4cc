#include "tunewright/ops/weight.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "tunewright/base/error.h"
#include "tunewright/ops/rows.h"

namespace tunewright::ops {

void QuantizedMatrix::decode_rows_on_device(int64_t, at::Tensor&) const {
  throw InternalError("a quantised matrix of a format that only the CPU decodes is on a device");
}

QuantizedPointer QuantizedMatrix::copy_on(at::Device) const {
  throw InternalError(
      "a quantised matrix of a format that only the CPU decodes is sent to a device");
}

Weight::Weight(at::Tensor dense) : variable_(std::move(dense)) {}

Weight::Weight(QuantizedPointer quantized) : quantized_(std::move(quantized)) {
  TUNEWRIGHT_ASSERT(quantized_ != nullptr);
  variable_ = at::empty({0}, at::TensorOptions().dtype(at::kFloat).device(quantized_->device()));
}

const QuantizedMatrix& Weight::quantized() const {
  TUNEWRIGHT_ASSERT(is_quantized());
  return *quantized_;
}

const at::Tensor& Weight::dense() const {
  TUNEWRIGHT_ASSERT(!is_quantized());
  return variable_;
}

int64_t Weight::size(int64_t axis) const {
  if (!is_quantized()) return variable_.size(axis);
  return axis == 0 ? quantized_->rows() : quantized_->columns();
}

int64_t Weight::bytes() const {
  return is_quantized() ? quantized_->bytes() : static_cast<int64_t>(variable_.nbytes());
}

at::Tensor Weight::dequantized() const {
  return is_quantized() ? decoded_rows(*quantized_, 0, quantized_->rows()) : variable_;
}

at::Tensor decoded_rows(const QuantizedMatrix& matrix, int64_t begin, int64_t count,
                        at::ScalarType dtype) {
  const int64_t D = matrix.columns();
  if (!matrix.device().is_cpu()) {
    auto rows = at::empty({count, D}, at::TensorOptions().dtype(dtype).device(matrix.device()));
    matrix.decode_rows_on_device(begin, rows);
    return rows;
  }
  auto out = at::empty({count, D}, at::kFloat);
  float* values = out.mutable_data_ptr<float>();
  at::parallel_for(0, count, row_grain(D), [&](int64_t first, int64_t last) {
    matrix.decode_rows(begin + first, last - first, values + first * D);
  });
  return out.to(dtype);
}

}  // namespace tunewright::ops

#pragma once
#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"

//   O output width, D input width
namespace tunewright::ops {

// A frozen matrix [O, D] that is stored in fewer bits than floats take.  Immutable, so threads may
// share it; on the CPU.
class QuantizedMatrix {
 public:
  virtual ~QuantizedMatrix() = default;
  QuantizedMatrix(const QuantizedMatrix&) = delete;
  QuantizedMatrix& operator=(const QuantizedMatrix&) = delete;

  int64_t rows() const { return rows_; }        // O
  int64_t columns() const { return columns_; }  // D
  // Writes rows [begin, begin + count) as float32 to `out` [count, D].
  virtual void decode_rows(int64_t begin, int64_t count, float* out) const = 0;
  virtual int64_t bytes() const = 0;  // that it takes, in memory or in a mapped file

 protected:
  QuantizedMatrix(int64_t rows, int64_t columns) : rows_(rows), columns_(columns) {}

 private:
  int64_t rows_, columns_;
};
using QuantizedPointer = std::shared_ptr<const QuantizedMatrix>;

// The weight [O, D] of a linear layer: a dense tensor, which may train, or a quantised matrix,
// which is frozen.
class Weight {
 public:
  Weight() = default;
  Weight(at::Tensor dense);            // NOLINT(google-explicit-constructor): every tensor is one
  Weight(QuantizedPointer quantized);  // NOLINT(google-explicit-constructor)

  bool is_quantized() const { return quantized_ != nullptr; }
  const QuantizedMatrix& quantized() const;  // must be quantised
  const QuantizedPointer& quantized_pointer() const { return quantized_; }
  const at::Tensor& dense() const;  // must not be quantised
  // What autograd records an edge for: the dense tensor, or an empty one that needs no gradient.
  const at::Tensor& variable() const { return variable_; }

  int64_t size(int64_t axis) const;
  int64_t bytes() const;
  at::Device device() const { return variable_.device(); }
  bool requires_grad() const { return variable_.requires_grad(); }
  at::Tensor dequantized() const;  // the dense tensor, or a new one of float32

 private:
  at::Tensor variable_;
  QuantizedPointer quantized_;
};

// Rows [begin, begin + count) of a quantised matrix as float32 [count, D].
at::Tensor decoded_rows(const QuantizedMatrix& matrix, int64_t begin, int64_t count);

}  // namespace tunewright::ops

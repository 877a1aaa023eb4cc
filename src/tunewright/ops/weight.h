#pragma once
#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"

//   O output width, D input width
namespace tunewright::ops {

class QuantizedMatrix;
using QuantizedPointer = std::shared_ptr<const QuantizedMatrix>;

// A frozen matrix [O, D] that is stored in fewer bits than floats take, on one device.  Immutable,
// so threads may share it.
class QuantizedMatrix {
 public:
  virtual ~QuantizedMatrix() = default;
  QuantizedMatrix(const QuantizedMatrix&) = delete;
  QuantizedMatrix& operator=(const QuantizedMatrix&) = delete;

  int64_t rows() const { return rows_; }        // O
  int64_t columns() const { return columns_; }  // D
  virtual int64_t bytes() const = 0;            // that it takes, in memory or in a mapped file
  virtual at::Device device() const { return at::kCPU; }

  // On the CPU: writes rows [begin, begin + count) as float32 to `out` [count, D].
  virtual void decode_rows(int64_t begin, int64_t count, float* out) const = 0;
  // On another device: writes the rows from `begin` on to `out` [count, D] there, in its type.
  virtual void decode_rows_on_device(int64_t begin, at::Tensor& out) const;
  // A copy on another device.  A format that only the CPU decodes has none of these two.
  virtual QuantizedPointer copy_on(at::Device device) const;

 protected:
  QuantizedMatrix(int64_t rows, int64_t columns) : rows_(rows), columns_(columns) {}

 private:
  int64_t rows_, columns_;
};

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

// Rows [begin, begin + count) of a quantised matrix, [count, D] on its device.
at::Tensor decoded_rows(const QuantizedMatrix& matrix, int64_t begin, int64_t count,
                        at::ScalarType dtype = at::kFloat);

}  // namespace tunewright::ops

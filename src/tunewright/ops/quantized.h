#pragma once
#include <memory>

#include "tunewright/ops/weight.h"

// Frozen weights in 4 and 8 bits.  They are quantised on the CPU.
namespace tunewright::ops {

// NormalFloat of 4 bits as QLoRA and bitsandbytes store it, with double quantisation: blocks of 64
// numbers of the flattened matrix share one absmax; the absmaxes, less their mean, are in turn
// rounded to 256 dynamic levels in blocks of 256.  0.516 bytes a number.
class Nf4Matrix final : public QuantizedMatrix {
 public:
  static constexpr int64_t kBlock = 64, kAbsmaxBlock = 256;

  // weight [O, D] of any float type, read a few rows at a time.
  static std::shared_ptr<const Nf4Matrix> quantize(const at::Tensor& weight);
  int64_t bytes() const override;
  at::Device device() const override { return parts_.codes.device(); }
  void decode_rows(int64_t begin, int64_t count, float* out) const override;
  void decode_rows_on_device(int64_t begin, at::Tensor& out) const override;
  QuantizedPointer copy_on(at::Device device) const override;

  // As stored.  B = ceil(O * D / 64) blocks.
  struct Parts {
    at::Tensor codes;          // [32 B] uint8: the first number of a pair in the upper four bits
    at::Tensor absmax_codes;   // [B] uint8: indices of dynamic_levels()
    at::Tensor absmax_scales;  // [ceil(B / 256)] float32
    float absmax_mean = 0.0F;
  };
  const Parts& parts() const { return parts_; }

 private:
  Nf4Matrix(int64_t rows, int64_t columns, Parts parts);
  void decode(int64_t first, int64_t last, float* out) const;
  void decode_blocks(int64_t first, int64_t count, float* out) const;
  void decode_part(int64_t first, int64_t last, float* out) const;

  Parts parts_;
  at::Tensor levels_,
      absmax_levels_;  // nf4_levels(), dynamic_levels(), on another device than the CPU
};

// Whole numbers from -127 to 127 times absmax / 127 of their row: the weight's half of LLM.int8()'s
// vector-wise quantisation, without outlier columns.  Activations are not quantised.
class Int8Matrix final : public QuantizedMatrix {
 public:
  static std::shared_ptr<const Int8Matrix> quantize(const at::Tensor& weight);
  int64_t bytes() const override;
  at::Device device() const override { return parts_.codes.device(); }
  void decode_rows(int64_t begin, int64_t count, float* out) const override;
  void decode_rows_on_device(int64_t begin, at::Tensor& out) const override;
  QuantizedPointer copy_on(at::Device device) const override;

  struct Parts {
    at::Tensor codes;   // [O, D] int8
    at::Tensor absmax;  // [O] float32
  };
  const Parts& parts() const { return parts_; }

 private:
  Int8Matrix(int64_t rows, int64_t columns, Parts parts);
  Parts parts_;
};

at::Tensor nf4_levels();      // [16] float32, ascending
at::Tensor dynamic_levels();  // [256] float32, ascending: bitsandbytes' signed dynamic map

namespace plain {
// The definitions, [O, D] float32.
at::Tensor dequantize(const Nf4Matrix& matrix);
at::Tensor dequantize(const Int8Matrix& matrix);
}  // namespace plain

}  // namespace tunewright::ops

#pragma once
#include "ATen/core/Tensor.h"
#include "tunewright/ops/weight.h"

// Matrix products in float32 whose second operand may be stored in fewer bits: as bfloat16, or
// quantised.
//   N rows, D input width, O output width
namespace tunewright::ops {

// Whether low-precision operands are best multiplied as float32: on a CPU that has no matrix
// instructions for `dtype` (measured on AVX-512 without AMX: float32 is three times as fast).
bool multiplied_as_float(const at::Tensor& x);

// out += x W^T.  out [N, O], x [N, D] float32; weight [O, D] of any type, converted a block at a
// time.
void add_product_(at::Tensor& out, const at::Tensor& x, const Weight& weight);

// out += y W.  out [N, D], y [N, O] float32; weight [O, D] of any type.
void add_product_transposed_(at::Tensor& out, const at::Tensor& y, const Weight& weight);

// x W^T [N, O]: float32 where multiplied_as_float(x) or where few rows meet a quantised weight,
// else of x's type.
at::Tensor product(const at::Tensor& x, const Weight& weight);
// y W [N, D]: float32 where multiplied_as_float(y) or the weight is quantised, else of y's type.
at::Tensor product_transposed(const at::Tensor& y, const Weight& weight);
// Zeros of the shape and type of x W^T in one number's memory.
at::Tensor unused_value(const at::Tensor& x, const Weight& weight);
// a b in float32, where the device can without rounding it to the operands' type first.  a [N, K],
// b [K, M] of one type.
at::Tensor float_product(const at::Tensor& a, const at::Tensor& b);
// y^T x [O, D] float32.
at::Tensor outer_product(const at::Tensor& y, const at::Tensor& x);

}  // namespace tunewright::ops

#include "tunewright/ops/product.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "tunewright/ops/quantized_kernels.h"
#include "tunewright/ops/rows.h"

namespace tunewright::ops {
namespace {

// Numbers of a weight that are converted to float32 at a time: 16 MiB.
constexpr int64_t kBlockNumbers = 4 << 20;
// Numbers of a quantised weight that are decoded at a time: 2 MiB, which the cache holds; on a
// device what keeps all of it busy, 32 MiB of bfloat16.
constexpr int64_t kDecodedNumbers = 1 << 19, kDecodedNumbersOnDevice = 1 << 24;

bool has_matrix_instructions(at::ScalarType dtype) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  static const bool amx = __builtin_cpu_supports("amx-bf16") != 0;
  static const bool avx = __builtin_cpu_supports("avx512bf16") != 0;
  return dtype == at::kBFloat16 && (amx || avx);
#else
  return dtype == at::kBFloat16;
#endif
}

int64_t block_rows(const Weight& weight, at::ScalarType dtype) {
  const int64_t O = weight.size(0), D = std::max<int64_t>(weight.size(1), 1);
  if (weight.is_quantized()) {
    const bool on_host = weight.device().is_cpu();
    return std::max<int64_t>((on_host ? kDecodedNumbers : kDecodedNumbersOnDevice) / D, 1);
  }
  if (weight.dense().scalar_type() == dtype) return std::max<int64_t>(O, 1);
  return std::max<int64_t>(kBlockNumbers / D, 1);
}

at::Tensor block_of(const Weight& weight, int64_t begin, int64_t rows, at::ScalarType dtype) {
  if (weight.is_quantized()) return decoded_rows(weight.quantized(), begin, rows, dtype);
  return weight.dense().narrow(0, begin, rows).to(dtype);
}

// Calls body(begin, rows, block of `dtype`) over blocks of the weight's rows.
template <class Body>
void for_blocks(const Weight& weight, at::ScalarType dtype, const Body& body) {
  const int64_t step = block_rows(weight, dtype);
  for (int64_t begin = 0; begin < weight.size(0); begin += step) {
    const int64_t rows = std::min(step, weight.size(0) - begin);
    body(begin, rows, block_of(weight, begin, rows, dtype));
  }
}

// Few rows (decoding) read the weight once, which converting it first would do three times.
constexpr int64_t kFewRows = 8;

// x W^T of few rows: each row of the weight is decoded once, into the first cache, and met there by
// every x.
at::Tensor few_rows_product(const at::Tensor& x, const QuantizedMatrix& weight) {
  const int64_t N = x.size(0), D = weight.columns(), O = weight.rows();
  const int64_t step = std::max<int64_t>(4096 / std::max<int64_t>(D, 1), 1);
  auto out = at::empty({N, O}, x.options());
  const float* inputs = x.const_data_ptr<float>();
  float* outputs = out.mutable_data_ptr<float>();
  at::parallel_for(0, O, row_grain(D), [&](int64_t begin, int64_t end) {
    std::vector<float> rows(static_cast<size_t>(step * D));
    for (int64_t o = begin; o < end; ++o) {
      const int64_t at = (o - begin) % step;
      if (at == 0) weight.decode_rows(o, std::min(step, end - o), rows.data());
      for (int64_t n = 0; n < N; ++n)
        outputs[n * O + o] = kernels::dot_row(rows.data() + at * D, inputs + n * D, D);
    }
  });
  return out;
}

}  // namespace

bool multiplied_as_float(const at::Tensor& x) {
  if (x.scalar_type() == at::kFloat) return true;
  return x.device().is_cpu() && x.size(0) > kFewRows && !has_matrix_instructions(x.scalar_type());
}

void add_product_(at::Tensor& out, const at::Tensor& x, const Weight& weight) {
  for_blocks(weight, at::kFloat, [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    auto part = out.narrow(1, begin, rows);
    part.addmm_(x, block.t());
  });
}

void add_product_transposed_(at::Tensor& out, const at::Tensor& y, const Weight& weight) {
  for_blocks(weight, at::kFloat, [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    out.addmm_(y.narrow(1, begin, rows), block);
  });
}

at::Tensor product(const at::Tensor& x, const Weight& weight) {
  const bool quantized = weight.is_quantized(), as_float = multiplied_as_float(x);
  if (quantized && x.is_cpu() && x.size(0) <= kFewRows)
    return few_rows_product(x.to(at::kFloat), weight.quantized());
  if (!quantized && !as_float) return at::mm(x, weight.dense().t());
  const auto operand = as_float ? x.to(at::kFloat) : x;
  const auto dtype = operand.scalar_type();
  if (!quantized && weight.dense().scalar_type() == dtype)
    return at::mm(operand, weight.dense().t());
  auto out = at::empty({x.size(0), weight.size(0)}, operand.options());
  for_blocks(weight, dtype, [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    auto part = out.narrow(1, begin, rows);
    at::mm_out(part, operand, block.t());
  });
  return out;
}

at::Tensor product_transposed(const at::Tensor& y, const Weight& weight) {
  const bool quantized = weight.is_quantized(), as_float = multiplied_as_float(y);
  if (!quantized && !as_float) return at::mm(y, weight.dense());
  if (!quantized && weight.dense().scalar_type() == at::kFloat)
    return at::mm(y.to(at::kFloat), weight.dense());
  auto out = at::zeros({y.size(0), weight.size(1)}, y.options().dtype(at::kFloat));
  if (as_float) {
    add_product_transposed_(out, y.to(at::kFloat), weight);
    return out;
  }
  // On the CPU the blocks' products are rounded to y's type; their sum is not.
  for_blocks(weight, y.scalar_type(), [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    out.add_(float_product(y.narrow(1, begin, rows), block));
  });
  return out;
}

at::Tensor unused_value(const at::Tensor& x, const Weight& weight) {
  return at::zeros({1, 1}, x.options()).expand({x.size(0), weight.size(0)});
}

at::Tensor float_product(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_cuda() && a.scalar_type() != at::kFloat) return at::mm(a, b, at::kFloat);
  return at::mm(a, b).to(at::kFloat);
}

at::Tensor outer_product(const at::Tensor& y, const at::Tensor& x) {
  if (!multiplied_as_float(y)) return float_product(y.t(), x);
  return at::mm(y.to(at::kFloat).t(), x.to(at::kFloat));
}

}  // namespace tunewright::ops

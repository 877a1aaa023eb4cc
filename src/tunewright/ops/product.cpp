#include "tunewright/ops/product.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace tunewright::ops {
namespace {

// Numbers of a weight that are converted to float32 at a time: 16 MiB.
constexpr int64_t kBlockNumbers = 4 << 20;

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

int64_t block_rows(const at::Tensor& weight) {
  if (weight.scalar_type() == at::kFloat) return std::max<int64_t>(weight.size(0), 1);
  return std::max<int64_t>(kBlockNumbers / std::max<int64_t>(weight.size(1), 1), 1);
}

// Calls body(begin, rows, float32 block) over blocks of the weight's rows.
template <class Body>
void for_float_blocks(const at::Tensor& weight, const Body& body) {
  const int64_t step = block_rows(weight);
  for (int64_t begin = 0; begin < weight.size(0); begin += step) {
    const int64_t rows = std::min(step, weight.size(0) - begin);
    body(begin, rows, weight.narrow(0, begin, rows).to(at::kFloat));
  }
}

// Few rows (decoding) read the weight once, which converting it first would do three times.
constexpr int64_t kFewRows = 8;

}  // namespace

bool multiplied_as_float(const at::Tensor& x) {
  if (x.scalar_type() == at::kFloat) return true;
  return x.device().is_cpu() && x.size(0) > kFewRows && !has_matrix_instructions(x.scalar_type());
}

void add_product_(at::Tensor& out, const at::Tensor& x, const at::Tensor& weight) {
  for_float_blocks(weight, [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    auto part = out.narrow(1, begin, rows);
    part.addmm_(x, block.t());
  });
}

void add_product_transposed_(at::Tensor& out, const at::Tensor& y, const at::Tensor& weight) {
  for_float_blocks(weight, [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    out.addmm_(y.narrow(1, begin, rows), block);
  });
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight) {
  if (!multiplied_as_float(x)) return at::mm(x, weight.t());
  if (weight.scalar_type() == at::kFloat) return at::mm(x.to(at::kFloat), weight.t());
  const auto x32 = x.to(at::kFloat);
  auto out = at::empty({x.size(0), weight.size(0)}, x32.options());
  for_float_blocks(weight, [&](int64_t begin, int64_t rows, const at::Tensor& block) {
    auto part = out.narrow(1, begin, rows);
    at::mm_out(part, x32, block.t());
  });
  return out;
}

at::Tensor product_transposed(const at::Tensor& y, const at::Tensor& weight) {
  if (!multiplied_as_float(y)) return at::mm(y, weight);
  if (weight.scalar_type() == at::kFloat) return at::mm(y.to(at::kFloat), weight);
  auto out = at::zeros({y.size(0), weight.size(1)}, y.options().dtype(at::kFloat));
  add_product_transposed_(out, y.to(at::kFloat), weight);
  return out;
}

at::Tensor unused_value(const at::Tensor& x, const at::Tensor& weight) {
  return at::zeros({1, 1}, x.options()).expand({x.size(0), weight.size(0)});
}

at::Tensor outer_product(const at::Tensor& y, const at::Tensor& x) {
  if (!multiplied_as_float(y)) return at::mm(y.t(), x).to(at::kFloat);
  return at::mm(y.to(at::kFloat).t(), x.to(at::kFloat));
}

}  // namespace tunewright::ops

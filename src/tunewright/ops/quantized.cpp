#include "tunewright/ops/quantized.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/ops/cuda/device_ops.h"
#include "tunewright/ops/quantized_kernels.h"

namespace tunewright::ops {
namespace {

constexpr int64_t kBlock = Nf4Matrix::kBlock, kAbsmaxBlock = Nf4Matrix::kAbsmaxBlock;
static_assert(kBlock == kernels::kNf4Block);

int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Calls body(begin, rows, float32 rows) over groups of 64 rows, or some more: whole blocks.  Larger
// temporaries between the lasting allocations would leave holes in the heap.
template <class Body>
void for_row_groups(const at::Tensor& weight, const Body& body) {
  const int64_t O = weight.size(0), D = weight.size(1);
  const int64_t step = std::max<int64_t>((1 << 16) / std::max<int64_t>(D, 1) / kBlock, 1) * kBlock;
  for (int64_t begin = 0; begin < O; begin += step) {
    const int64_t rows = std::min(step, O - begin);
    body(begin, rows, weight.narrow(0, begin, rows).to(at::kFloat).contiguous());
  }
}

void encode_blocks(const at::Tensor& values, uint8_t* codes, float* absmax) {
  const float* x = values.const_data_ptr<float>();
  const int64_t whole = values.numel() / kBlock, rest = values.numel() % kBlock;
  at::parallel_for(0, whole, 256, [&](int64_t begin, int64_t end) {
    kernels::nf4_encode_blocks(x + begin * kBlock, end - begin, codes + begin * kBlock / 2,
                               absmax + begin);
  });
  if (rest == 0) return;
  float last[kBlock] = {};
  std::copy_n(x + whole * kBlock, rest, last);
  kernels::nf4_encode_blocks(last, 1, codes + whole * kBlock / 2, absmax + whole);
}

// Index of the nearest of the ascending levels; of two equally near the lower.
uint8_t nearest(const float* levels, int64_t count, float value) {
  const auto* above = std::lower_bound(levels, levels + count, value);
  if (above == levels) return 0;
  if (above == levels + count) return static_cast<uint8_t>(count - 1);
  const bool lower = value - above[-1] <= *above - value;
  return static_cast<uint8_t>(above - levels - (lower ? 1 : 0));
}

// Rounds the scales themselves to 8 bits.
void quantize_absmax(const at::Tensor& absmax, Nf4Matrix::Parts& parts) {
  const int64_t B = absmax.numel();
  parts.absmax_mean = absmax.mean().item<float>();
  const auto centred = absmax - parts.absmax_mean;
  parts.absmax_codes = at::empty({B}, at::kByte);
  parts.absmax_scales = at::empty({divided_up(B, kAbsmaxBlock)}, at::kFloat);
  const auto levels = dynamic_levels();
  const float* values = centred.const_data_ptr<float>();
  for (int64_t begin = 0; begin < B; begin += kAbsmaxBlock) {
    const int64_t end = std::min(begin + kAbsmaxBlock, B);
    float largest = 0.0F;
    for (int64_t i = begin; i < end; ++i) largest = std::max(largest, std::abs(values[i]));
    parts.absmax_scales.mutable_data_ptr<float>()[begin / kAbsmaxBlock] = largest;
    const float inverse = 1.0F / std::max(largest, 1e-38F);
    for (int64_t i = begin; i < end; ++i)
      parts.absmax_codes.mutable_data_ptr<uint8_t>()[i] =
          nearest(levels.const_data_ptr<float>(), levels.numel(), values[i] * inverse);
  }
}

at::Tensor make_dynamic_levels() {
  constexpr int kExponents = 7;
  std::vector<float> levels = {0.0F, 1.0F};
  for (int i = 0; i < kExponents; ++i) {
    const auto edges = at::linspace(0.1, 1, (1 << i) + 1, at::kFloat);
    const auto middles = (edges.slice(0, 0, -1) + edges.slice(0, 1)) / 2.0;
    const auto decade = middles * std::pow(10.0, i - kExponents + 1);
    for (int64_t j = 0; j < decade.numel(); ++j) {
      const auto level = decade[j].item<float>();
      levels.insert(levels.end(), {level, -level});
    }
  }
  std::ranges::sort(levels);
  return at::tensor(levels);
}

}  // namespace

at::Tensor nf4_levels() { return at::tensor(at::ArrayRef<float>(kernels::kNf4Levels, 16)); }

at::Tensor dynamic_levels() {
  static const auto levels = make_dynamic_levels();
  return levels;
}

Nf4Matrix::Nf4Matrix(int64_t rows, int64_t columns, Parts parts)
    : QuantizedMatrix(rows, columns), parts_(std::move(parts)) {}

std::shared_ptr<const Nf4Matrix> Nf4Matrix::quantize(const at::Tensor& weight) {
  TUNEWRIGHT_ASSERT(weight.dim() == 2 && weight.device().is_cpu());
  const int64_t O = weight.size(0), D = weight.size(1), B = divided_up(O * D, kBlock);
  Parts parts{.codes = at::empty({B * kBlock / 2}, at::kByte)};
  const auto absmax = at::empty({B}, at::kFloat);
  for_row_groups(weight, [&](int64_t begin, int64_t, const at::Tensor& values) {
    const int64_t block = begin * D / kBlock;
    encode_blocks(values, parts.codes.mutable_data_ptr<uint8_t>() + block * kBlock / 2,
                  absmax.mutable_data_ptr<float>() + block);
  });
  quantize_absmax(absmax, parts);
  return std::shared_ptr<const Nf4Matrix>(new Nf4Matrix(O, D, std::move(parts)));
}

void Nf4Matrix::decode_rows(int64_t begin, int64_t count, float* out) const {
  decode(begin * columns(), (begin + count) * columns(), out);
}

// Numbers [first, last) of the flattened matrix; blocks need not begin where rows do.
void Nf4Matrix::decode(int64_t first, int64_t last, float* out) const {
  const int64_t first_whole = divided_up(first, kBlock), last_whole = last / kBlock;
  if (first_whole > last_whole) return decode_part(first, last, out);
  decode_part(first, first_whole * kBlock, out);
  decode_blocks(first_whole, last_whole - first_whole, out + first_whole * kBlock - first);
  decode_part(last_whole * kBlock, last, out + last_whole * kBlock - first);
}

void Nf4Matrix::decode_blocks(int64_t first, int64_t count, float* out) const {
  constexpr int64_t kAtOnce = 64;
  static const float* levels = dynamic_levels().const_data_ptr<float>();
  const auto* absmax_codes = parts_.absmax_codes.const_data_ptr<uint8_t>();
  const auto* absmax_scales = parts_.absmax_scales.const_data_ptr<float>();
  const auto* codes = parts_.codes.const_data_ptr<uint8_t>();
  float absmax[kAtOnce];
  for (int64_t done = 0; done < count; done += kAtOnce) {
    const int64_t now = std::min(kAtOnce, count - done), block = first + done;
    for (int64_t i = 0; i < now; ++i) {
      absmax[i] = levels[absmax_codes[block + i]] * absmax_scales[(block + i) / kAbsmaxBlock] +
                  parts_.absmax_mean;
    }
    kernels::nf4_decode_blocks(codes + block * kBlock / 2, absmax, now, out + done * kBlock);
  }
}

// A part of one block.
void Nf4Matrix::decode_part(int64_t first, int64_t last, float* out) const {
  if (first == last) return;
  float block[kBlock];
  decode_blocks(first / kBlock, 1, block);
  std::copy_n(block + first % kBlock, last - first, out);
}

void Nf4Matrix::decode_rows_on_device(int64_t begin, at::Tensor& out) const {
  cuda::decode_nf4(parts_, {.levels = levels_, .absmax_levels = absmax_levels_}, begin, out);
}

QuantizedPointer Nf4Matrix::copy_on(at::Device device) const {
  auto copy =
      std::shared_ptr<Nf4Matrix>(new Nf4Matrix(rows(), columns(),
                                               {.codes = parts_.codes.to(device),
                                                .absmax_codes = parts_.absmax_codes.to(device),
                                                .absmax_scales = parts_.absmax_scales.to(device),
                                                .absmax_mean = parts_.absmax_mean}));
  copy->levels_ = nf4_levels().to(device);
  copy->absmax_levels_ = dynamic_levels().to(device);
  return copy;
}

int64_t Nf4Matrix::bytes() const {
  return static_cast<int64_t>(parts_.codes.nbytes() + parts_.absmax_codes.nbytes() +
                              parts_.absmax_scales.nbytes() + sizeof parts_.absmax_mean);
}

Int8Matrix::Int8Matrix(int64_t rows, int64_t columns, Parts parts)
    : QuantizedMatrix(rows, columns), parts_(std::move(parts)) {}

std::shared_ptr<const Int8Matrix> Int8Matrix::quantize(const at::Tensor& weight) {
  TUNEWRIGHT_ASSERT(weight.dim() == 2 && weight.device().is_cpu());
  const int64_t O = weight.size(0), D = weight.size(1);
  Parts parts{.codes = at::empty({O, D}, at::kChar), .absmax = at::empty({O}, at::kFloat)};
  for_row_groups(weight, [&](int64_t begin, int64_t rows, const at::Tensor& values) {
    const auto absmax = values.abs().amax(1);
    const auto inverse = (127.0 / absmax).masked_fill(absmax.eq(0), 0.0);  // zeros stay zero
    parts.absmax.narrow(0, begin, rows).copy_(absmax);
    parts.codes.narrow(0, begin, rows).copy_((values * inverse.unsqueeze(1)).round());
  });
  return std::shared_ptr<const Int8Matrix>(new Int8Matrix(O, D, std::move(parts)));
}

void Int8Matrix::decode_rows(int64_t begin, int64_t count, float* out) const {
  const int64_t D = columns();
  const auto* codes = parts_.codes.const_data_ptr<int8_t>();
  const auto* absmax = parts_.absmax.const_data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    kernels::int8_decode_row(codes + (begin + i) * D, absmax[begin + i] * (1.0F / 127.0F),
                             out + i * D, D);
  }
}

void Int8Matrix::decode_rows_on_device(int64_t begin, at::Tensor& out) const {
  cuda::decode_int8(parts_, begin, out);
}

QuantizedPointer Int8Matrix::copy_on(at::Device device) const {
  return std::shared_ptr<const Int8Matrix>(new Int8Matrix(
      rows(), columns(), {.codes = parts_.codes.to(device), .absmax = parts_.absmax.to(device)}));
}

int64_t Int8Matrix::bytes() const {
  return static_cast<int64_t>(parts_.codes.nbytes() + parts_.absmax.nbytes());
}

namespace plain {

at::Tensor dequantize(const Nf4Matrix& matrix) {
  const auto& [codes, absmax_codes, absmax_scales, absmax_mean] = matrix.parts();
  const int64_t B = absmax_codes.numel(), numbers = matrix.rows() * matrix.columns();
  const auto pairs = at::stack({codes.bitwise_right_shift(4), codes.bitwise_and(15)}, 1);
  const auto values = nf4_levels().index({pairs.flatten().to(at::kLong)}).view({B, kBlock});
  const auto scales = absmax_scales.repeat_interleave(kAbsmaxBlock).slice(0, 0, B);
  const auto absmax = dynamic_levels().index({absmax_codes.to(at::kLong)}) * scales + absmax_mean;
  const auto flat = (values * absmax.unsqueeze(1)).flatten().slice(0, 0, numbers);
  return flat.view({matrix.rows(), matrix.columns()});
}

at::Tensor dequantize(const Int8Matrix& matrix) {
  const auto& [codes, absmax] = matrix.parts();
  return codes.to(at::kFloat) * (absmax * (1.0F / 127.0F)).unsqueeze(1);
}

}  // namespace plain
}  // namespace tunewright::ops

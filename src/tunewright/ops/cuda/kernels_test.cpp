#include "tunewright/ops/cuda/kernels.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/test.h"
#include "tunewright/ops/cuda/arithmetic.h"
#include "tunewright/ops/cuda/emulation.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/quantized.h"
#include "tunewright/ops/update_kernels.h"

// The CUDA kernels themselves, run on the processor (emulation.h): launches, indices, barriers and
// arithmetic, against the definitions.
namespace tunewright::ops::cuda {
namespace {

double relative_difference(const at::Tensor& got, const at::Tensor& expected) {
  const auto difference = (got.to(at::kDouble) - expected.to(at::kDouble)).abs().max();
  return (difference / expected.to(at::kDouble).abs().max().clamp_min(0.1)).item<double>();
}

Number number_of(at::ScalarType dtype) {
  return dtype == at::kFloat      ? Number::kFloat32
         : dtype == at::kBFloat16 ? Number::kBFloat16
                                  : Number::kFloat16;
}

const float* floats(const at::Tensor& x) { return x.const_data_ptr<float>(); }

class Kernels : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override { at::manual_seed(7); }
  at::Tensor random(at::IntArrayRef shape) const { return at::randn(shape).to(GetParam()); }
  Number number() const { return number_of(GetParam()); }
  // float32: sums of some hundred terms in another order.  bfloat16, float16: the result is rounded
  // to 8 and 11 bits.
  double tolerance() const {
    return GetParam() == at::kFloat ? 1e-5 : GetParam() == at::kBFloat16 ? 2e-2 : 2e-3;
  }
};
INSTANTIATE_TEST_SUITE_P(Types, Kernels, ::testing::Values(at::kFloat, at::kBFloat16, at::kHalf));

// Widths of a warp's rows and of a block's; rows of part of a block, and of several partial sums.
TEST_P(Kernels, RmsNormAndItsGradientsAreTheirDefinition) {
  constexpr float kEpsilon = 1e-5F;
  for (const auto& [rows, D] :
       {std::pair<int64_t, int64_t>{130, 3}, {130, 64}, {65, 512}, {65, 577}}) {
    SCOPED_TRACE(D);
    const int64_t groups = (rows + kRowsPerPartial - 1) / kRowsPerPartial;
    const auto x = random({rows, D}), weight = random({D}), dy = random({rows, D});
    const auto y = at::empty_like(x), dx = at::empty_like(x);
    const auto rstd = at::empty({rows}), partials = at::empty({groups, D}),
               dweight = at::empty({D});
    rms_norm(number(),
             {.x = x.const_data_ptr(),
              .weight = weight.const_data_ptr(),
              .out = y.mutable_data_ptr(),
              .rows = rows,
              .width = D,
              .epsilon = kEpsilon},
             nullptr);
    rms_norm_backward(number(),
                      {.dy = dy.const_data_ptr(),
                       .x = x.const_data_ptr(),
                       .weight = weight.const_data_ptr(),
                       .dx = dx.mutable_data_ptr(),
                       .rstd = rstd.mutable_data_ptr<float>(),
                       .partials = partials.mutable_data_ptr<float>(),
                       .dweight = dweight.mutable_data_ptr<float>(),
                       .rows = rows,
                       .width = D,
                       .epsilon = kEpsilon},
                      nullptr);
    const auto x32 = x.to(at::kFloat).set_requires_grad(true),
               weight32 = weight.to(at::kFloat).set_requires_grad(true);
    const auto expected = plain::rms_norm(x32, weight32, kEpsilon);
    expected.backward(dy.to(at::kFloat));
    EXPECT_LT(relative_difference(y, expected), tolerance());
    EXPECT_LT(relative_difference(dx, x32.grad()), tolerance());
    EXPECT_LT(relative_difference(dweight, weight32.grad()), tolerance());
  }
}

TEST_P(Kernels, RotaryIsItsDefinitionAndTurnsBack) {
  for (const int64_t E : {2, 34, 256}) {
    const int64_t tokens = 9, heads = 3, half = E / 2;
    const auto x = random({tokens, heads, E}), angle = at::randn({tokens, half});
    const auto cosine = angle.cos(), sine = angle.sin();
    const auto turned = at::empty_like(x), back = at::empty_like(x);
    Rotary turn = {.x = x.const_data_ptr(),
                   .cosine = floats(cosine),
                   .sine = floats(sine),
                   .out = turned.mutable_data_ptr(),
                   .tokens = tokens,
                   .heads = heads,
                   .half = half,
                   .sign = 1.0F};
    rotary(number(), turn, nullptr);
    turn.x = turned.const_data_ptr();
    turn.out = back.mutable_data_ptr();
    turn.sign = -1.0F;
    rotary(number(), turn, nullptr);
    const auto expected = plain::rotary(x.to(at::kFloat), cosine, sine);
    EXPECT_LT(relative_difference(turned, expected), tolerance());
    EXPECT_LT(relative_difference(back, x), tolerance());
  }
}

TEST_P(Kernels, SwigluAndItsGradientsAreTheirDefinition) {
  const auto gate = random({5, 333}) * 4, up = random({5, 333}), dy = random({5, 333});
  const auto y = at::empty_like(gate), dgate = at::empty_like(gate), dup = at::empty_like(up);
  swiglu(number(), {gate.const_data_ptr(), up.const_data_ptr(), y.mutable_data_ptr(), gate.numel()},
         nullptr);
  swiglu_backward(number(),
                  {.dy = dy.const_data_ptr(),
                   .gate = gate.const_data_ptr(),
                   .up = up.const_data_ptr(),
                   .dgate = dgate.mutable_data_ptr(),
                   .dup = dup.mutable_data_ptr(),
                   .size = gate.numel()},
                  nullptr);
  const auto gate32 = gate.to(at::kFloat).set_requires_grad(true),
             up32 = up.to(at::kFloat).set_requires_grad(true);
  const auto expected = plain::swiglu(gate32, up32);
  expected.backward(dy.to(at::kFloat));
  EXPECT_LT(relative_difference(y, expected), tolerance());
  EXPECT_LT(relative_difference(dgate, gate32.grad()), tolerance());
  EXPECT_LT(relative_difference(dup, up32.grad()), tolerance());
}

TEST_P(Kernels, DecodedNf4IsThatOfTheProcessorBitForBit) {
  for (const auto& [O, D] : {std::pair<int64_t, int64_t>{5, 64}, {7, 31}, {300, 200}}) {
    const auto matrix = Nf4Matrix::quantize(at::randn({O, D}));
    const auto& parts = matrix->parts();
    const auto levels = nf4_levels(), absmax_levels = dynamic_levels();
    const int64_t begin = O / 3;
    const auto got = at::empty({O - begin, D}, GetParam());
    decode_nf4(number(),
               {.codes = parts.codes.const_data_ptr<uint8_t>(),
                .absmax_codes = parts.absmax_codes.const_data_ptr<uint8_t>(),
                .absmax_scales = floats(parts.absmax_scales),
                .levels = floats(levels),
                .absmax_levels = floats(absmax_levels),
                .absmax_mean = parts.absmax_mean},
               begin * D, got.numel(), got.mutable_data_ptr(), nullptr);
    EXPECT_TRUE(got.equal(decoded_rows(*matrix, begin, O - begin, GetParam())));
  }
}

TEST_P(Kernels, DecodedInt8IsThatOfTheProcessorBitForBit) {
  const auto matrix = Int8Matrix::quantize(at::randn({33, 300}));
  const auto& [codes, absmax] = matrix->parts();
  const auto got = at::empty({33, 300}, GetParam());
  decode_int8(number(), {codes.const_data_ptr<int8_t>(), floats(absmax), 33, 300},
              got.mutable_data_ptr(), nullptr);
  EXPECT_TRUE(got.equal(decoded_rows(*matrix, 0, 33, GetParam())));
}

struct Rows {
  at::Tensor logits, losses;  // logits: then their gradient
};
Rows cross_entropy_of(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& weights,
                      bool gradient = true) {
  const Rows result{logits.clone(), at::empty({logits.size(0)})};
  cross_entropy({.logits = result.logits.mutable_data_ptr<float>(),
                 .labels = labels.const_data_ptr<int64_t>(),
                 .weights = floats(weights),
                 .losses = result.losses.mutable_data_ptr<float>(),
                 .rows = logits.size(0),
                 .width = logits.size(1),
                 .gradient = gradient},
                nullptr);
  return result;
}

TEST(KernelsCrossEntropy, LossesAndGradientAreThoseOfLogSoftmax) {
  at::manual_seed(7);
  for (const int64_t V : {1, 7, 511, 512, 5000}) {
    SCOPED_TRACE(V);
    const auto logits = at::randn({9, V}) * 5, weights = at::rand({9});
    const auto labels = at::randint(0, V, {9}, at::kLong);
    const auto got = cross_entropy_of(logits, labels, weights);
    const auto leaf = logits.clone().set_requires_grad(true);
    const auto expected = -leaf.log_softmax(-1).gather(1, labels.unsqueeze(1)).squeeze(1) * weights;
    expected.sum().backward();
    EXPECT_LT(relative_difference(got.losses, expected), 1e-5);
    EXPECT_LT(relative_difference(got.logits, leaf.grad()), 1e-5);
    const auto without = cross_entropy_of(logits, labels, weights, /*gradient=*/false);
    EXPECT_TRUE(without.losses.equal(got.losses));
    EXPECT_TRUE(without.logits.equal(logits));
  }
}

TEST(KernelsCrossEntropy, ExtremesStayFiniteAndWhatIsNotANumberIsNotHidden) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  const auto labels = at::tensor({0, 0, 1, 2}, at::kLong), weights = at::ones({4});
  const auto logits = at::tensor({1000.0F, -1000.0F, 500.0F,     // the label is the largest
                                  -1000.0F, 1000.0F, -500.0F,    // and the smallest
                                  -kInfinity, 3.0F, -kInfinity,  // the others are impossible
                                  kNan, 1.0F, 2.0F})
                          .view({4, 3});
  const auto got = cross_entropy_of(logits, labels, weights);
  EXPECT_EQ(got.losses[0].item<float>(), 0.0F);
  EXPECT_EQ(got.losses[1].item<float>(), 2000.0F);
  EXPECT_EQ(got.losses[2].item<float>(), 0.0F);
  EXPECT_TRUE(got.losses[3].isnan().item<bool>());
  EXPECT_TRUE(got.logits.slice(0, 0, 3).isfinite().all().item<bool>());
}

TEST(KernelsCrossEntropy, ALabelOutsideTheVocabularyIsNotANumber) {
  for (const int64_t label : {-1, 3, 1 << 20}) {
    const auto got =
        cross_entropy_of(at::ones({1, 3}), at::tensor({label}, at::kLong), at::ones({1}));
    EXPECT_TRUE(got.losses.isnan().all().item<bool>()) << label;
  }
}

TEST(KernelsDropout, MaskAndNumbersAreThoseOfTheProcessor) {
  at::manual_seed(7);
  const int64_t rows = 70, width = 300;
  const auto x = at::randn({rows, width});
  for (const float p : {0.05F, 0.5F, 0.999F}) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{3}, uint64_t{0xfedcba9876543210}}) {
      const auto got = at::empty_like(x), expected = at::empty_like(x);
      dropout({floats(x), got.mutable_data_ptr<float>(), nullptr, rows, width, seed, p}, nullptr);
      for (int64_t row = 0; row < rows; ++row) {
        kernels::dropout_row(floats(x) + row * width,
                             expected.mutable_data_ptr<float>() + row * width, width,
                             dropout_row_seed(seed, row), p);
      }
      EXPECT_TRUE(got.equal(expected)) << p << ", seed " << seed;
    }
  }
}

TEST(KernelsStochasticRound, NumbersAreThoseOfTheProcessor) {
  at::manual_seed(7);
  for (const int64_t size : {1, 8, 15, 5000}) {
    auto x = at::randn({size});
    x[0] = std::numeric_limits<float>::infinity();
    const kernels::RandomBlocks random = {
        .seed = 0x123456789abcdefULL, .stream = 42, .first = uint64_t{1} << 37};
    std::vector<BFloat16Bits> expected(static_cast<size_t>(size));
    std::vector<uint16_t> got(static_cast<size_t>(size));
    kernels::stochastic_round_row(floats(x), expected.data(), size, random);
    stochastic_round({.x = floats(x),
                      .out = got.data(),
                      .size = size,
                      .seed = random.seed,
                      .random_stream = random.stream,
                      .first_block = random.first},
                     nullptr);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], expected[i].bits) << i;
  }
}

// More items than the grid has threads: each goes on in strides.
TEST(KernelsGrid, ReachesItemsBeyondTheLargestGrid) {
  const int64_t size = (1 << 19) + 5;
  const auto gate = at::zeros({size}), up = at::ones({size}), out = at::full({size}, 7.0);
  swiglu(Number::kFloat32, {floats(gate), floats(up), out.mutable_data_ptr<float>(), size},
         nullptr);
  EXPECT_TRUE(out.eq(0).all().item<bool>());
}

TEST(Emulation, ThreadsThatWaitAtDifferentBarriersAreABug) {
  const auto kernel = [] {
    if (threadIdx.x < 16)
      __syncthreads();
    else
      __shfl_xor_sync(~0U, 1.0F, 1);
  };
  EXPECT_THROW(emulation::run(1, 32, kernel), InternalError);
}

TEST(DeviceNumbers, AreStoredAsTheFrameworkStoresThem) {
  at::manual_seed(7);
  auto x = at::randn({4096}) * at::randn({4096}).exp();
  x[0] = std::numeric_limits<float>::infinity();
  x[1] = 1e30;                    // beyond float16
  x[2] = 1e-7;                    // a float16 without its leading one
  x[3] = 1.0 + 0x1p-8 + 0x1p-11;  // ties go to even
  x[4] = -0.0;
  const auto as_bfloat16 = x.to(at::kBFloat16).to(at::kFloat),
             as_half = x.to(at::kHalf).to(at::kFloat);
  for (int64_t i = 0; i < x.numel(); ++i) {
    EXPECT_EQ(stored_as<BFloat16Bits>(floats(x)[i]), floats(as_bfloat16)[i]) << i;
    EXPECT_EQ(stored_as<Float16Bits>(floats(x)[i]), floats(as_half)[i]) << i;
  }
  EXPECT_TRUE(std::isnan(stored_as<BFloat16Bits>(std::nanf("1"))));
  EXPECT_TRUE(std::isnan(stored_as<Float16Bits>(std::nanf("1"))));
}

}  // namespace
}  // namespace tunewright::ops::cuda

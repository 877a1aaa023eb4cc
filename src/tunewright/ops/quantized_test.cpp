#include "tunewright/ops/quantized.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/product.h"
#include "tunewright/ops/test_devices.h"

namespace tunewright::ops {
namespace {

// The same float32 products, summed in another order.
constexpr double kFloatTolerance = 1e-5;
// The output is rounded to 8 bits.
constexpr double kBFloat16Tolerance = 2e-2;
// A device's matrix instructions take the decoded weight rounded to 8 bits too.
constexpr double kDeviceBFloat16Tolerance = 4e-2;

double relative_difference(const at::Tensor& got, const at::Tensor& expected) {
  const auto difference = (got.to(at::kDouble) - expected.to(at::kDouble)).abs().max();
  return (difference / expected.to(at::kDouble).abs().max().clamp_min(0.1)).item<double>();
}

struct Case {
  const char* name;
  QuantizedPointer (*quantize)(const at::Tensor&);
  at::ScalarType dtype;
  at::DeviceType device = at::kCPU;
};

QuantizedPointer nf4(const at::Tensor& weight) { return Nf4Matrix::quantize(weight); }
QuantizedPointer int8(const at::Tensor& weight) { return Int8Matrix::quantize(weight); }

std::vector<Case> cases() {
  const std::vector<Case> of_a_device = {{"nf4_float32", nf4, at::kFloat},
                                         {"nf4_bfloat16", nf4, at::kBFloat16},
                                         {"int8_float32", int8, at::kFloat},
                                         {"int8_bfloat16", int8, at::kBFloat16}};
  std::vector<Case> all;
  for (const auto device : testing::test_devices()) {
    for (auto tested : of_a_device) {
      tested.device = device;
      all.push_back(tested);
    }
  }
  return all;
}

class Quantized : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override { at::manual_seed(7); }
  at::Tensor random(at::IntArrayRef shape) const { return random(shape, GetParam().dtype); }
  at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype) const {
    return at::randn(shape).to(dtype).to(GetParam().device);
  }
  Weight quantized(at::IntArrayRef shape) const {
    auto matrix = GetParam().quantize(at::randn(shape));
    return GetParam().device == at::kCPU ? matrix : matrix->copy_on(GetParam().device);
  }
  double tolerance() const {
    if (GetParam().dtype == at::kFloat) return kFloatTolerance;
    return GetParam().device == at::kCPU ? kBFloat16Tolerance : kDeviceBFloat16Tolerance;
  }
};
INSTANTIATE_TEST_SUITE_P(Formats, Quantized, ::testing::ValuesIn(cases()),
                         [](const auto& case_info) {
                           const auto& tested = case_info.param;
                           return str(tested.name, tested.device == at::kCPU ? "" : "_on_device");
                         });

// The same numbers on every device, so that an adapter belongs to one base.
TEST_P(Quantized, DecodedOnADeviceIsTheProcessorsBitForBit) {
  const auto matrix = GetParam().quantize(at::randn({37, 96}));
  const auto here = decoded_rows(*matrix, 5, 30, GetParam().dtype);
  const Weight placed = GetParam().device == at::kCPU ? matrix : matrix->copy_on(GetParam().device);
  EXPECT_EQ(placed.device().type(), GetParam().device);
  EXPECT_TRUE(decoded_rows(placed.quantized(), 5, 30, GetParam().dtype).cpu().equal(here));
}

// Rows of whole blocks of 64, rows that share blocks, more numbers than are decoded at a time.
const std::vector<std::array<int64_t, 2>> kShapes = {
    {5, 64}, {33, 48}, {7, 31}, {1, 1}, {700, 1536}};

TEST_P(Quantized, LinearAndItsGradientAreThoseOfTheDequantisedWeight) {
  for (const auto& [O, D] : kShapes) {
    const auto weight = quantized({O, D});
    const auto bias = random({O});
    for (const int64_t N : {1, 8, 70}) {
      SCOPED_TRACE(::testing::Message() << O << " x " << D << ", rows " << N);
      const auto x = random({N, D}).set_requires_grad(true);
      const auto y = linear(x, weight, bias);
      const auto x32 = x.detach().to(at::kFloat).set_requires_grad(true);
      const auto expected = plain::linear(x32, weight.dequantized(), bias);
      EXPECT_EQ(y.scalar_type(), GetParam().dtype);
      EXPECT_LT(relative_difference(y, expected), tolerance());
      const auto upstream = random({N, O});
      const auto dx = torch::autograd::grad({y}, {x}, {upstream})[0];
      const auto dx32 = torch::autograd::grad({expected}, {x32}, {upstream.to(at::kFloat)})[0];
      EXPECT_LT(relative_difference(dx, dx32), tolerance());
    }
  }
}

TEST_P(Quantized, LoraGradientsAreThoseOfTheDequantisedWeight) {
  const int64_t O = 33, D = 96, N = 70;
  const auto weight = quantized({O, D});
  const auto bias = std::optional(random({O}));
  const auto gate = random({N, D}), up = random({N, D});
  const auto a = random({4, D}, at::kFloat), b = random({O, 4}, at::kFloat);
  const auto upstream = random({N, O});
  const auto evaluate = [&](bool fused, const Weight& w) {
    std::vector<at::Tensor> leaves;
    for (const auto& leaf : {gate, up, a, b}) {
      const auto dtype = fused ? leaf.scalar_type() : at::kFloat;
      leaves.push_back(leaf.to(dtype).clone().set_requires_grad(true));
    }
    const LoraArguments lora{.lora_a = leaves[2], .lora_b = leaves[3], .scale = 0.5};
    const auto y =
        fused ? swiglu_lora_linear(leaves[0], leaves[1], w, bias, lora)
              : plain::lora_linear(plain::swiglu(leaves[0], leaves[1]), w.dense(), bias, lora);
    auto results = torch::autograd::grad({y}, leaves, {upstream.to(y.scalar_type())});
    results.push_back(y.detach());
    return results;
  };
  const auto got = evaluate(true, weight), expected = evaluate(false, weight.dequantized());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_LT(relative_difference(got[i], expected[i]), tolerance()) << i;
}

TEST_P(Quantized, LoraLinearWithDropoutIsThatOfTheDequantisedWeight) {
  const auto weight = quantized({20, 40});
  const auto x = random({9, 40}), a = random({3, 40}, at::kFloat), b = random({20, 3}, at::kFloat);
  const auto gradients = [&](const Weight& w) {
    const auto leaf = x.clone().set_requires_grad(true);
    const auto a_leaf = a.clone().set_requires_grad(true);
    const auto y = lora_linear(leaf, w, std::nullopt,
                               {.lora_a = a_leaf, .lora_b = b, .dropout = 0.5, .dropout_seed = 3});
    return torch::autograd::grad({y.to(at::kFloat).pow(2).sum()}, {leaf, a_leaf});
  };
  const auto got = gradients(weight),
             expected = gradients(weight.dequantized().to(x.scalar_type()));
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_LT(relative_difference(got[i], expected[i]), tolerance()) << i;
}

TEST(Nf4, DecodedIsItsDefinitionFromAnyRowOn) {
  at::manual_seed(7);
  for (const auto& [O, D] : kShapes) {
    SCOPED_TRACE(::testing::Message() << O << " x " << D);
    const auto matrix = Nf4Matrix::quantize(at::randn({O, D}));
    const auto expected = plain::dequantize(*matrix);
    // One rounding more or less in absmax = level * scale + mean.
    EXPECT_LT(relative_difference(decoded_rows(*matrix, 0, O), expected), 1e-6);
    for (const int64_t begin : {O / 3, O / 2, O - 1})
      EXPECT_LT(
          relative_difference(decoded_rows(*matrix, begin, O - begin), expected.slice(0, begin)),
          1e-6);
  }
}

TEST(Int8, DecodedIsItsDefinitionBitForBit) {
  at::manual_seed(7);
  for (const auto& [O, D] : kShapes) {
    const auto matrix = Int8Matrix::quantize(at::randn({O, D}));
    EXPECT_TRUE(decoded_rows(*matrix, 0, O).equal(plain::dequantize(*matrix)));
  }
}

TEST(QuantizedSize, IsAQuarterAndAHalfOfBFloat16) {
  const auto weight = at::randn({1536, 576});
  const double bfloat16_bytes = 2.0 * static_cast<double>(weight.numel());
  EXPECT_LE(static_cast<double>(Nf4Matrix::quantize(weight)->bytes()), 0.27 * bfloat16_bytes);
  EXPECT_LE(static_cast<double>(Int8Matrix::quantize(weight)->bytes()), 0.51 * bfloat16_bytes);
}

TEST(QuantizedError, OfNormalNumbersIsThatOfTheFormat) {
  at::manual_seed(7);
  const auto weight = at::randn({256, 512});
  const auto error = [&](const QuantizedMatrix& matrix) {
    return (decoded_rows(matrix, 0, 256) - weight).pow(2).mean().sqrt().item<double>();
  };
  // nf4: about 0.09 of the deviation (QLoRA, table 2: 4-bit data types).  int8: a uniform step of
  // absmax / 127, absmax about 3.2 deviations of 512 numbers, over sqrt(12).
  EXPECT_NEAR(error(*Nf4Matrix::quantize(weight)), 0.09, 0.01);
  EXPECT_NEAR(error(*Int8Matrix::quantize(weight)), 3.2 / 127 / std::sqrt(12.0), 1e-3);
}

TEST(QuantizedZeros, StayZero) {
  const auto zeros = at::zeros({3, 70});
  EXPECT_TRUE(decoded_rows(*Nf4Matrix::quantize(zeros), 0, 3).eq(0).all().item<bool>());
  EXPECT_TRUE(decoded_rows(*Int8Matrix::quantize(zeros), 0, 3).eq(0).all().item<bool>());
}

TEST(QuantizedType, IsQuantisedFromTheStoredNumbers) {
  at::manual_seed(7);
  const auto weight = at::randn({64, 64}).to(at::kBFloat16);
  const auto narrow = Nf4Matrix::quantize(weight),
             wide = Nf4Matrix::quantize(weight.to(at::kFloat));
  EXPECT_TRUE(narrow->parts().codes.equal(wide->parts().codes));
}

}  // namespace
}  // namespace tunewright::ops

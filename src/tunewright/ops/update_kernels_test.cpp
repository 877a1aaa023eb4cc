#include "tunewright/ops/update_kernels.h"

#include <ATen/ATen.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tunewright/base/random.h"
#include "tunewright/base/test.h"

namespace tunewright::ops::kernels {
namespace {

std::vector<float> normals(int64_t n, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(static_cast<size_t>(n));
  for (auto& value : values) value = static_cast<float>(random.normal());
  return values;
}

BFloat16Bits* bits(std::vector<c10::BFloat16>& values) {
  return reinterpret_cast<BFloat16Bits*>(values.data());
}

// Every length: whole vectors and what remains.  float64 against float32: a few roundings of 6e-8
// in numbers of size 1.
TEST(AdamwRow, IsItsFormula) {
  const AdamwStep step = {.gradient_scale = 0.5F,
                          .beta1 = 0.9F,
                          .beta2 = 0.99F,
                          .epsilon = 1e-6F,
                          .keep = 0.999F,
                          .step_size = 0.1F,
                          .root_scale = 2.0F};
  for (const int64_t n : {1, 15, 16, 17, 333}) {
    auto weight = normals(n, 1), mean = normals(n, 2), square = normals(n, 3);
    const auto gradient = normals(n, 4);
    for (auto& value : square) value = std::abs(value);
    const auto old_weight = weight, old_mean = mean, old_square = square;
    adamw_row(weight.data(), gradient.data(), mean.data(), square.data(), n, step);
    for (size_t i = 0; i < weight.size(); ++i) {
      const double g = 0.5 * double(gradient[i]);
      const double m = double(old_mean[i]) + 0.1 * (g - double(old_mean[i]));
      const double v = 0.99 * double(old_square[i]) + 0.01 * g * g;
      EXPECT_NEAR(mean[i], m, 1e-6);
      EXPECT_NEAR(square[i], v, 1e-6);
      EXPECT_NEAR(weight[i], 0.999 * double(old_weight[i]) - 0.1 * m / (std::sqrt(v) * 2 + 1e-6),
                  1e-6);
    }
  }
}

TEST(LionRow, ADirectionOfZeroMovesNothing) {
  std::vector<float> weight = {1, 1, 1}, mean = {0, 1, -1};
  const std::vector<float> gradient = {0, 0, 0};
  lion_row(weight.data(), gradient.data(), mean.data(), 3,
           {.beta1 = 0.5F, .beta2 = 0.5F, .learning_rate = 0.25F});
  EXPECT_THAT(weight, ::testing::ElementsAre(1.0F, 0.75F, 1.25F));
  EXPECT_THAT(mean, ::testing::ElementsAre(0.0F, 0.5F, -0.5F));
}

TEST(SquaresRow, IsTheSumOfSquares) {
  for (const int64_t n : {0, 1, 63, 64, 65, 4096}) {
    const auto x = normals(n, 5);
    double expected = 0;
    for (const float value : x) expected += double(value) * double(value);
    EXPECT_NEAR(squares_row(x.data(), n), expected, 1e-6 * expected);  // 64 float32 sums of 64
  }
}

TEST(RoundRow, IsTheFrameworksConversion) {
  auto x = normals(1000, 6);
  x[0] = 1.0F + 0x1p-8F;  // ties go to even
  x[1] = 1.0F + 0x3p-8F;
  x[2] = std::numeric_limits<float>::infinity();
  x[3] = std::numeric_limits<float>::quiet_NaN();
  std::vector<c10::BFloat16> rounded(x.size());
  round_row(x.data(), bits(rounded), 1000);
  std::vector<float> back(x.size());
  widen_row(bits(rounded), back.data(), 1000);
  for (size_t i = 0; i < x.size(); ++i) {
    if (i == 3) {
      EXPECT_TRUE(std::isnan(back[i]));
    } else {
      EXPECT_EQ(back[i], static_cast<float>(c10::BFloat16(x[i]))) << i;
    }
  }
}

// The 16 bits of number i by the generator that everything else uses.
uint32_t noise_of(uint64_t i, const RandomBlocks& blocks) {
  Random random(blocks.seed, blocks.stream);
  random.seek(2 * (blocks.first + i / 8) + i % 8 / 4);
  return static_cast<uint32_t>(random.next() >> (16 * (i % 4))) & 0xffffU;
}

TEST(StochasticRoundRow, AddsTheBitsOfPhiloxBelowTheLastDigit) {
  const auto x = normals(777, 7);
  const RandomBlocks blocks = {.seed = 0x123456789abcdefULL, .stream = 42, .first = 1ULL << 37};
  std::vector<c10::BFloat16> rounded(x.size());
  stochastic_round_row(x.data(), bits(rounded), 777, blocks);
  for (size_t i = 0; i < x.size(); ++i) {
    const uint32_t sum = std::bit_cast<uint32_t>(x[i]) + noise_of(i, blocks);
    EXPECT_EQ(rounded[i].x, static_cast<uint16_t>(sum >> 16)) << i;
  }
}

// A third of the way from 1 to the next number: up once in three times.  40,000 draws deviate by
// sqrt(p (1 - p) / n) = 0.0024; four of these.
TEST(StochasticRoundRow, IsRightOnAverage) {
  constexpr int64_t kDraws = 40000;
  const std::vector<float> x(kDraws, 1.0F + 0x1p-7F / 3);
  std::vector<c10::BFloat16> rounded(kDraws);
  stochastic_round_row(x.data(), bits(rounded), kDraws, {.seed = 1});
  double up = 0;
  for (const auto value : rounded) {
    EXPECT_TRUE(value == c10::BFloat16(1.0F) || value == c10::BFloat16(1.0F + 0x1p-7F));
    up += value != c10::BFloat16(1.0F);
  }
  EXPECT_NEAR(up / kDraws, 1.0 / 3, 0.01);
}

TEST(StochasticRoundRow, WhatIsExactOrNotFiniteStays) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1.5F, -0.0F, kInfinity, -kInfinity, std::nanf("1")};
  std::vector<c10::BFloat16> rounded(x.size());
  stochastic_round_row(x.data(), bits(rounded), 5, {.seed = 3});
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(static_cast<float>(rounded[i]), x[i]);
  EXPECT_TRUE(std::isnan(static_cast<float>(rounded[4])));
}

TEST(Adamw8bitRow, KeepsNumbersOfTheMapAsTheyAre) {
  std::vector<float> weight(256, 0.0F), gradient(256);
  std::vector<uint8_t> mean(256), square(256);
  float largest_mean = 0, largest_square = 0;
  for (size_t i = 0; i < 256; ++i) gradient[i] = dynamic_map(true)[i];
  // beta = 0: the states are the gradient and its square.
  adamw_8bit_row(weight.data(), gradient.data(), {mean.data(), &largest_mean},
                 {square.data(), &largest_square}, 256, {.epsilon = 1.0F, .step_size = 0.0F});
  for (size_t i = 0; i < 256; ++i) EXPECT_EQ(mean[i], i);
  EXPECT_EQ(largest_mean, 1.0F);
  EXPECT_EQ(largest_square, 1.0F);
}

TEST(Adamw8bitRow, ABlockOfZerosStaysZero) {
  std::vector<float> weight(100, 2.0F);
  const std::vector<float> gradient(100, 0.0F);
  std::vector<uint8_t> mean(100), square(100);
  float largest_mean = 0, largest_square = 0;
  for (int step = 0; step < 2; ++step) {
    adamw_8bit_row(weight.data(), gradient.data(), {mean.data(), &largest_mean},
                   {square.data(), &largest_square}, 100,
                   {.beta1 = 0.9F, .beta2 = 0.99F, .epsilon = 1e-8F, .step_size = 1.0F});
  }
  EXPECT_THAT(weight, ::testing::Each(2.0F));
  EXPECT_EQ(largest_mean, 0.0F);
}

}  // namespace
}  // namespace tunewright::ops::kernels

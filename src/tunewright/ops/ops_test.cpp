#include "tunewright/ops/ops.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <atomic>
#include <functional>
#include <stdexcept>

#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/ops/device.h"
#include "tunewright/ops/side_by_side.h"
#include "tunewright/ops/test_devices.h"

namespace tunewright::ops {
namespace {

// float32: sums of some hundred terms in another order.  bfloat16: the result is rounded to 8 bits,
// and so is what lies between two operations of the plain definition; float16: to 11 bits.
constexpr double kFloatTolerance = 1e-5;
constexpr double kBFloat16Tolerance = 2e-2;
constexpr double kHalfTolerance = 5e-3;
// A device's attention multiplies float32 as three products of 11 bits each.
constexpr double kDeviceFloatTolerance = 1e-4;

// Against the largest value, or 0.25: what is zero by law (the gradient of a query with one key
// alone) comes out as the rounding of sums of about 4.
double relative_difference(const at::Tensor& got, const at::Tensor& expected) {
  const auto difference = (got.to(at::kDouble) - expected.to(at::kDouble)).abs().max();
  return (difference / expected.to(at::kDouble).abs().max().clamp_min(0.25)).item<double>();
}

struct Place {
  at::DeviceType device;
  at::ScalarType dtype;

  double tolerance() const {
    if (dtype == at::kBFloat16) return kBFloat16Tolerance;
    if (dtype == at::kHalf) return kHalfTolerance;
    return device == at::kCPU ? kFloatTolerance : kDeviceFloatTolerance;
  }
};

void PrintTo(const Place& place, std::ostream* out) {
  *out << at::toString(place.dtype) << " on " << at::DeviceTypeName(place.device, true);
}

std::vector<Place> places() {
  std::vector<Place> result;
  for (const auto device : testing::test_devices()) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) result.push_back({device, dtype});
    if (device != at::kCPU) result.push_back({device, at::kHalf});
  }
  return result;
}

at::Tensor random(at::IntArrayRef shape) { return at::randn(shape); }

using Function = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

struct Result {
  at::Tensor value;
  std::vector<at::Tensor> gradients;
};

Result evaluate(const Function& function, const std::vector<at::Tensor>& inputs,
                const at::Tensor& upstream) {
  std::vector<at::Tensor> leaves;
  for (const auto& input : inputs) leaves.push_back(input.detach().clone().set_requires_grad(true));
  const auto value = function(leaves);
  const auto gradients = torch::autograd::grad({value}, leaves, {upstream.to(value.scalar_type())});
  return {value.detach(), gradients};
}

// `fused` in the inputs' type against `plain` in float32: value and every gradient.
void expect_same(const Function& fused, const Function& plain,
                 const std::vector<at::Tensor>& inputs, double limit) {
  std::vector<at::Tensor> inputs32;
  for (const auto& input : inputs) inputs32.push_back(input.to(at::kFloat));
  const auto shape = plain(inputs32).sizes().vec();
  const auto upstream = at::randn(shape).to(inputs[0].options());
  const auto got = evaluate(fused, inputs, upstream);
  const auto expected = evaluate(plain, inputs32, upstream.to(at::kFloat));
  EXPECT_TRUE(got.value.isfinite().all().item<bool>());
  EXPECT_LT(relative_difference(got.value, expected.value), limit) << "value";
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(got.gradients[i].scalar_type(), inputs[i].scalar_type());
    EXPECT_LT(relative_difference(got.gradients[i], expected.gradients[i]), limit)
        << "gradient of input " << i;
  }
}

class Places : public ::testing::TestWithParam<Place> {
 protected:
  void SetUp() override { at::manual_seed(7); }
  // The same numbers on every device.
  at::Tensor random(at::IntArrayRef shape) const { return random(shape, GetParam().dtype); }
  at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype) const {
    return at::randn(shape, at::TensorOptions().dtype(dtype)).to(GetParam().device);
  }
  at::Tensor placed(const at::Tensor& x) const { return x.to(GetParam().device); }
  double tolerance() const { return GetParam().tolerance(); }
};
INSTANTIATE_TEST_SUITE_P(Ops, Places, ::testing::ValuesIn(places()));

TEST(Devices, CudaIsThere) {
  if (!at::hasCUDA())
    GTEST_SKIP() << "no CUDA device in this build or on this machine: only the CPU is tested";
}

TEST_P(Places, WhatIsSentToADeviceArrivesThere) {
  for (const int64_t size : {0, 1, 1 << 20}) {
    const auto host = at::randn({size}).to(GetParam().dtype);
    const auto sent = to_device(host, GetParam().device);
    EXPECT_EQ(sent.device().type(), GetParam().device);
    EXPECT_TRUE(sent.cpu().equal(host));
  }
}

TEST_P(Places, RmsNormIsItsDefinition) {
  for (const int64_t D : {1, 15, 16, 64, 577}) {
    SCOPED_TRACE(D);
    expect_same([](const auto& t) { return rms_norm(t[0], t[1], 1e-5); },
                [](const auto& t) { return plain::rms_norm(t[0], t[1], 1e-5); },
                {random({130, D}), random({D})}, tolerance());
  }
}

TEST_P(Places, ResidualRmsNormIsItsDefinition) {
  const auto joined = [](const ResidualNorm& r) { return at::cat({r.sum, r.normed}, -1); };
  for (const int64_t D : {1, 15, 16, 64, 577}) {
    SCOPED_TRACE(D);
    const std::vector<at::Tensor> inputs = {random({130, D}), random({130, D}), random({D})};
    expect_same(
        [&](const auto& t) { return joined(residual_rms_norm(t[0], t[1], t[2], 1e-5)); },
        [&](const auto& t) { return joined(plain::residual_rms_norm(t[0], t[1], t[2], 1e-5)); },
        inputs, tolerance());
    for (const auto part : {&ResidualNorm::sum, &ResidualNorm::normed}) {  // of either alone
      const auto alone = [&](const ResidualNorm& r, const at::Tensor& weight) {
        return r.*part + 0.0 * weight;  // a sum alone does not depend on it
      };
      expect_same(
          [&](const auto& t) { return alone(residual_rms_norm(t[0], t[1], t[2], 1e-5), t[2]); },
          [&](const auto& t) {
            return alone(plain::residual_rms_norm(t[0], t[1], t[2], 1e-5), t[2]);
          },
          inputs, tolerance());
    }
  }
}

TEST_P(Places, RotaryIsItsDefinition) {
  for (const int64_t E : {2, 32, 34, 64}) {
    SCOPED_TRACE(E);
    const auto angle = random({9, E / 2}, at::kFloat);
    const auto cosine = angle.cos(), sine = angle.sin();
    expect_same([&](const auto& t) { return rotary(t[0], cosine, sine); },
                [&](const auto& t) { return plain::rotary(t[0], cosine, sine); },
                {random({9, 3, E})}, tolerance());
  }
}

TEST_P(Places, SwigluIsItsDefinition) {
  for (const int64_t I : {1, 16, 33, 1536}) {
    SCOPED_TRACE(I);
    expect_same([](const auto& t) { return swiglu(t[0], t[1]); },
                [](const auto& t) { return plain::swiglu(t[0], t[1]); },
                {random({5, I}) * 4, random({5, I})}, tolerance());
  }
}

TEST_P(Places, GegluIsItsDefinition) {
  for (const int64_t I : {1, 16, 33, 1536}) {
    SCOPED_TRACE(I);
    expect_same([](const auto& t) { return geglu(t[0], t[1]); },
                [](const auto& t) { return plain::geglu(t[0], t[1]); },
                {random({5, I}) * 4, random({5, I})}, tolerance());
  }
}

TEST_P(Places, LayerNormIsItsDefinition) {
  for (const int64_t D : {8, 33, 576}) {
    SCOPED_TRACE(D);
    const std::vector<at::Tensor> inputs = {random({7, D}) * 3, random({7, D}), random({D}),
                                            random({D})};
    expect_same(
        [](const auto& t) { return residual_layer_norm(t[0], t[1], t[2], t[3], 1e-5).normed; },
        [](const auto& t) { return plain::layer_norm(t[0] + t[1], t[2], t[3], 1e-5); }, inputs,
        tolerance());
  }
}

TEST_P(Places, LinearIsItsDefinition) {
  for (const int64_t N : {1, 3, 70}) {
    SCOPED_TRACE(N);
    expect_same([](const auto& t) { return ops::linear(t[0], t[1], t[2]); },
                [](const auto& t) { return plain::linear(t[0], t[1], t[2]); },
                {random({N, 48}), random({33, 48}), random({33})}, tolerance());
  }
}

TEST_P(Places, LoraLinearIsItsDefinition) {
  for (const int64_t N : {1, 3, 70}) {
    SCOPED_TRACE(N);
    const auto with = [](auto function) {
      return [function](const std::vector<at::Tensor>& t) {
        return function(t[0], t[1], std::optional<at::Tensor>(t[2]),
                        LoraArguments{.lora_a = t[3], .lora_b = t[4], .scale = 0.5});
      };
    };
    expect_same(with(ops::lora_linear), with(plain::lora_linear),
                {random({N, 48}), random({33, 48}), random({33}), random({4, 48}, at::kFloat),
                 random({33, 4}, at::kFloat)},
                tolerance());
  }
}

TEST_P(Places, SwigluLoraLinearIsItsDefinition) {
  const auto lora = [](const std::vector<at::Tensor>& t) {
    return LoraArguments{.lora_a = t[4], .lora_b = t[5], .scale = 0.5};
  };
  expect_same(
      [&](const auto& t) {
        return swiglu_lora_linear(t[0], t[1], t[2], std::optional<at::Tensor>(t[3]), lora(t));
      },
      [&](const auto& t) {
        return plain::lora_linear(plain::swiglu(t[0], t[1]), t[2], std::optional<at::Tensor>(t[3]),
                                  lora(t));
      },
      {random({70, 48}), random({70, 48}), random({33, 48}), random({33}),
       random({4, 48}, at::kFloat), random({33, 4}, at::kFloat)},
      tolerance());
}

// 64 partial sums of 1030 numbers: enough for the framework to divide a sum of them.
TEST(RmsNorm, GradientsDoNotDependOnTheNumberOfThreads) {
  const std::vector<at::Tensor> inputs = {random({4096, 1030}), random({1030})};
  const auto upstream = random({4096, 1030});
  const int before = at::get_num_threads();
  std::vector<Result> results;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    results.push_back(
        evaluate([](const auto& x) { return rms_norm(x[0], x[1], 1e-5); }, inputs, upstream));
  }
  at::set_num_threads(before);
  for (const auto& result : results) {
    EXPECT_TRUE(result.value.equal(results[0].value));
    for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(result.gradients[i].equal(results[0].gradients[i]));
  }
}

TEST(Lora, FrozenWeightGetsNoGradientAndFrozenInputNeedsNone) {
  const auto x = random({9, 8}), weight = random({5, 8});
  const auto a = random({2, 8}).set_requires_grad(true), b = random({5, 2}).set_requires_grad(true);
  const auto y = lora_linear(x, weight, std::nullopt, {.lora_a = a, .lora_b = b});
  const auto gradients = torch::autograd::grad({y.sum()}, {a, b});
  const auto expected = torch::autograd::grad(
      {plain::lora_linear(x, weight, std::nullopt, {.lora_a = a, .lora_b = b}).sum()}, {a, b});
  EXPECT_LT(relative_difference(gradients[0], expected[0]), kFloatTolerance);
  EXPECT_LT(relative_difference(gradients[1], expected[1]), kFloatTolerance);
  EXPECT_FALSE(weight.grad().defined());
}

TEST(Lora, DropoutMaskIsAFunctionOfItsSeed) {
  const auto x = at::ones({200, 100});
  const auto apply = [&](uint64_t seed) {
    // With A = I, B = I and W = 0 the output is the adapter's input.
    return lora_linear(
        x, at::zeros({100, 100}), std::nullopt,
        {.lora_a = at::eye(100), .lora_b = at::eye(100), .dropout = 0.25, .dropout_seed = seed});
  };
  const auto first = apply(1);
  EXPECT_TRUE(first.equal(apply(1)));
  EXPECT_FALSE(first.equal(apply(2)));
  EXPECT_TRUE(first.ne(0)
                  .logical_and(first.sub(1.0 / 0.75).abs().gt(1e-6))
                  .logical_not()
                  .all()
                  .item<bool>());
  // 20,000 draws: three deviations of the share are 0.0092.
  EXPECT_NEAR(first.eq(0).to(at::kFloat).mean().item<double>(), 0.25, 0.0092);
}

TEST(Lora, SomeRowsHaveTheMasksThatTheyHaveAmongAll) {
  const auto rows = at::tensor({1, 7, 8, 19}, at::kLong), a = random({3, 12});
  const auto gradients = [&](const at::Tensor& x, const at::Tensor& mask_rows) {
    const auto input = x.detach().requires_grad_(true), lora_a = a.detach().requires_grad_(true);
    const auto y = lora_linear(input, at::ones({5, 12}), std::nullopt,
                               {.lora_a = lora_a,
                                .lora_b = at::ones({5, 3}),
                                .dropout = 0.5,
                                .dropout_seed = 3,
                                .dropout_rows = mask_rows});
    const auto found = torch::autograd::grad({y}, {input}, {at::ones_like(y)});
    return std::pair(y.detach(), found[0]);
  };
  const auto x = random({20, 12});
  const auto [all, all_gradients] = gradients(x, {});
  const auto [some, some_gradients] = gradients(x.index_select(0, rows), rows);
  EXPECT_LT(relative_difference(some, all.index_select(0, rows)), kFloatTolerance);
  EXPECT_LT(relative_difference(some_gradients, all_gradients.index_select(0, rows)),
            kFloatTolerance);
}

TEST(Lora, DropoutGradientUsesTheMaskOfTheForwardPass) {
  const auto x = random({40, 12}).set_requires_grad(true), weight = random({5, 12});
  const auto a = random({3, 12}).set_requires_grad(true),
             b = random({5, 3}).set_requires_grad(true);
  const LoraArguments lora{
      .lora_a = a, .lora_b = b, .scale = 2.0, .dropout = 0.5, .dropout_seed = 3};
  const auto upstream = random({40, 5});
  const auto got =
      torch::autograd::grad({lora_linear(x, weight, std::nullopt, lora)}, {x, a, b}, {upstream});
  const auto mask =
      lora_linear(at::ones({40, 12}), at::zeros({12, 12}), std::nullopt,
                  {.lora_a = at::eye(12), .lora_b = at::eye(12), .dropout = 0.5, .dropout_seed = 3})
          .detach();
  const auto y = at::matmul(x, weight.t()) + at::matmul(at::matmul(x * mask, a.t()), b.t()) * 2.0;
  const auto expected = torch::autograd::grad({y}, {x, a, b}, {upstream});
  for (size_t i = 0; i < 3; ++i)
    EXPECT_LT(relative_difference(got[i], expected[i]), kFloatTolerance) << i;
}

struct AttentionCase {
  std::vector<int64_t> offsets;
  int64_t heads, key_heads, window;
};

TEST_P(Places, SpanAttentionIsItsDefinition) {
  const std::vector<AttentionCase> cases = {
      {{0, 1}, 1, 1, 0},     {{0, 5, 6, 40}, 4, 4, 0},  {{0, 5, 6, 40}, 6, 2, 0},
      {{0, 700}, 2, 1, 0},   {{0, 3, 20, 21}, 4, 2, 4}, {{0, 600, 640}, 2, 1, 70},
      {{0, 9, 18}, 3, 1, 1}, {{0, 1300}, 2, 1, 70},     {{0, 40, 1100}, 4, 2, 300},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(::testing::Message()
                 << "spans " << c.offsets.size() - 1 << " of " << c.offsets.back() << ", heads "
                 << c.heads << "/" << c.key_heads << ", window " << c.window);
    const int64_t N = c.offsets.back(), E = 16;
    expect_same(
        [&](const auto& t) { return span_attention(t[0], t[1], t[2], c.offsets, 0.25, c.window); },
        [&](const auto& t) {
          return plain::span_attention(t[0], t[1], t[2], c.offsets, 0.25, c.window);
        },
        {random({N, c.heads, E}), random({N, c.key_heads, E}), random({N, c.key_heads, E})},
        tolerance());
  }
}

TEST_P(Places, CachedAttentionIsTheLastRowsOfSpanAttention) {
  for (const int64_t window : {0, 1, 5, 64}) {
    for (const int64_t T : {1, 2, 12, 30}) {
      SCOPED_TRACE(::testing::Message() << "window " << window << ", new tokens " << T);
      const auto q = random({30, 4, 16}), k = random({30, 2, 16}), v = random({30, 2, 16});
      const std::vector<int64_t> offsets = {0, 30};
      const auto full = plain::span_attention(q, k, v, offsets, 0.25, window);
      const auto got = cached_attention(q.slice(0, 30 - T), k, v, 0.25, window);
      EXPECT_LT(relative_difference(got, full.slice(0, 30 - T)), tolerance());
    }
  }
}

TEST_P(Places, CachedAttentionInBlocksIsTheLastRowsOfSpanAttention) {
  const auto q = random({1400, 4, 16}), k = random({1400, 2, 16}), v = random({1400, 2, 16});
  const std::vector<int64_t> offsets = {0, 1400};
  for (const int64_t window : {90, 600}) {
    const auto full = plain::span_attention(q, k, v, offsets, 0.25, window);
    for (const int64_t T : {1, 1300, 1400}) {
      SCOPED_TRACE(::testing::Message() << "window " << window << ", new tokens " << T);
      const auto got = cached_attention(q.slice(0, 1400 - T), k, v, 0.25, window);
      EXPECT_LT(relative_difference(got, full.slice(0, 1400 - T)), tolerance());
    }
  }
}

// A mask of all pairs would take 1 GiB.
TEST(Attention, MemoryOfALongSpanGrowsWithItsWindow) {
  constexpr int64_t kLength = 16384, kMask = kLength * kLength * int64_t{sizeof(float)};
  const auto q = random({kLength, 1, 8}).set_requires_grad(true);
  const std::vector<int64_t> offsets = {0, kLength};
  const int64_t before = peak_resident_bytes();
  const auto y = span_attention(q, q, q, offsets, 0.25, 256);
  const auto gradient = torch::autograd::grad({y.sum()}, {q});
  {
    const at::NoGradGuard no_grad;
    EXPECT_LT(relative_difference(cached_attention(q, q, q, 0.25, 256), y), kFloatTolerance);
  }
  EXPECT_LT(peak_resident_bytes() - before, kMask / 4);
}

TEST_P(Places, CrossEntropyIsItsDefinition) {
  for (const int64_t M : {1, 7, 600}) {
    SCOPED_TRACE(M);
    const auto labels = placed(at::randint(0, 301, {M}, at::kLong));
    const auto weights = placed(at::rand({M}));
    expect_same(
        [&](const auto& t) { return linear_cross_entropy_sum(t[0], t[1], labels, weights); },
        [&](const auto& t) { return plain::linear_cross_entropy_sum(t[0], t[1], labels, weights); },
        {random({M, 32}), random({301, 32})}, tolerance());
  }
}

TEST(CrossEntropy, NoRowsGiveZeroLossAndZeroGradient) {
  const auto hidden = random({0, 8}).set_requires_grad(true),
             head = random({11, 8}).set_requires_grad(true);
  const auto loss =
      linear_cross_entropy_sum(hidden, head, at::empty({0}, at::kLong), at::empty({0}));
  EXPECT_EQ(loss.item<float>(), 0.0f);
  const auto gradients = torch::autograd::grad({loss}, {hidden, head});
  EXPECT_EQ(gradients[0].size(0), 0);
  EXPECT_TRUE(gradients[1].eq(0).all().item<bool>());
}

TEST(CrossEntropy, ExtremeLogitsStayFiniteAndNanIsNotHidden) {
  const auto hidden = at::tensor({1000.0f, -1000.0f}).unsqueeze(1);
  const auto head = at::tensor({1.0f, -1.0f, 0.5f}).unsqueeze(1);
  const auto labels = at::tensor({0, 0}, at::kLong), weights = at::ones({2});
  const auto loss = linear_cross_entropy_sum(hidden, head, labels, weights);
  EXPECT_NEAR(loss.item<float>(), 2000.0f, 1e-2);
  const auto poisoned = at::full({1, 1}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(
      linear_cross_entropy_sum(poisoned, head, labels.slice(0, 0, 1), weights.slice(0, 0, 1))
          .isnan()
          .item<bool>());
}

TEST_P(Places, LabelScoresAreLogSoftmax) {
  const auto hidden = random({50, 32}), head = random({301, 32});
  const auto logits = at::matmul(hidden.to(at::kFloat), head.to(at::kFloat).t());
  auto labels = placed(at::randint(0, 301, {50}, at::kLong));
  labels.slice(0, 0, 20).copy_(logits.argmax(-1).slice(0, 0, 20));
  const auto scores = label_scores(hidden, head, labels);
  const auto expected = logits.log_softmax(-1).gather(1, labels.unsqueeze(1)).squeeze(1);
  EXPECT_LT(relative_difference(scores.logprobs, expected), tolerance());
  EXPECT_TRUE(scores.is_argmax.equal(logits.argmax(-1).eq(labels)));
}

TEST(SideBySide, RunsEachBodyOnceWithAShareOfTheThreads) {
  const int before = at::get_num_threads();
  at::set_num_threads(4);
  std::array<std::atomic<int>, 2> runs = {};
  std::array<int, 2> threads = {};
  side_by_side(2, [&](int64_t i) {
    ++runs[static_cast<size_t>(i)];
    threads[static_cast<size_t>(i)] = at::get_num_threads();
  });
  EXPECT_EQ(runs[0], 1);
  EXPECT_EQ(runs[1], 1);
  EXPECT_THAT(threads, ::testing::Each(2));
  EXPECT_EQ(at::get_num_threads(), 4);
  at::set_num_threads(before);
}

TEST(SideBySide, ThrowsWhatABodyThrewAfterAllHaveEnded) {
  std::atomic<int> ended = 0;
  EXPECT_THROW(side_by_side(3,
                            [&](int64_t i) {
                              if (i == 1) throw std::runtime_error("1");
                              ++ended;
                            }),
               std::runtime_error);
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace tunewright::ops

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <array>
#include <map>

#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/ops/test_devices.h"
#include "tunewright/train/optimizer.h"
#include "tunewright/train/optimizers/adamw.h"
#include "tunewright/train/optimizers/pass.h"
#include "tunewright/train/optimizers/plain.h"
#include "tunewright/train/optimizers/rule.h"

namespace tunewright::train {
namespace {

using tunewright::testing::source_path;

// tools/golden/optimizers.py has the same two functions.
at::Tensor noise(at::IntArrayRef shape, uint64_t salt) {
  auto out = at::empty(shape, at::kFloat);
  auto* values = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < out.numel(); ++i) {
    auto h = static_cast<uint32_t>(static_cast<uint64_t>(i) * 2654435761U + salt * 40503 * 65537);
    for (int round = 0; round < 2; ++round) h = (h ^ (h >> 16)) * 0x45D9F3BU;
    h ^= h >> 16;
    values[i] = static_cast<float>(h >> 8) * 0x1p-23F - 1.0F;
  }
  return out;
}

at::Tensor gradient_of(at::IntArrayRef shape, int64_t step, size_t index) {
  const float scale = std::array{1.0F, 0.25F, 0.5F}[static_cast<size_t>(step % 3)];
  return (noise(shape, 1000 + index) * 0.5 + noise(shape, uint64_t(step) * 10 + index)) * scale;
}

struct Golden {
  io::Safetensors file = io::Safetensors::open(source_path("tests/golden/optimizers.safetensors"));
  Json note = read_json(source_path("tests/golden/optimizers.json"));
  at::Tensor get(const std::string& name) const {
    const auto view = file.get(name);
    const auto dtype = view.dtype == io::DType::kU8 ? at::kByte : at::kFloat;
    return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, dtype).clone();
  }
};

struct Case {
  const char* name;
  const char* options;
  double tolerance, typical;  // of the largest and of the mean difference
};

// Float32 in another order: 1e-6 in numbers of size 1 after 25 steps; a little more where a root of
// a mean of squares divides.
// lion: every step is of the whole rate and so rounds the weight anew; a sign turns where the
// direction is within a rounding of zero: none does here. muon: torch multiplies in bfloat16, where
// entries of an update are off by some 2^-8 of their size 0.2; 25 steps of 0.01, whose errors
// partly cancel. adamw_8bit: a state within a rounding of the middle between two codes may take the
// other one, which is off by up to a tenth of it, for a part of the 25 steps of 0.01; this is rare.
constexpr Case kCases[] = {
    {"adamw", R"({"optim": "adamw"})", 1e-6, 1e-7},
    {"sgd", R"({"optim": "sgd"})", 1e-6, 1e-7},
    {"sgd_momentum", R"({"optim": "sgd", "momentum": 0.8})", 1e-6, 1e-7},
    {"adafactor", R"({"optim": "adafactor"})", 3e-6, 3e-7},
    {"lion", R"({"optim": "lion"})", 1e-6, 3e-7},
    {"muon", R"({"optim": "muon", "muon_adjust_lr_fn": "original"})", 1e-3, 2e-4},
    {"muon_rms", R"({"optim": "muon"})", 1e-3, 2e-4},
    {"adamw_8bit", R"({"optim": "adamw_8bit"})", 5e-3, 2e-4}};

std::vector<model::Parameter> initial_weights(bool large, at::DeviceType device = at::kCPU) {
  std::vector<model::Parameter> parameters;
  if (large) {
    parameters.push_back({.name = "matrix", .tensor = noise({70, 61}, 77)});
  } else {
    parameters.push_back({.name = "wide", .tensor = noise({17, 40}, 77)});
    parameters.push_back({.name = "tall", .tensor = noise({40, 17}, 78)});
  }
  parameters.push_back(
      {.name = "vector", .tensor = noise({33}, 77 + parameters.size()), .decay = false});
  for (auto& parameter : parameters)
    parameter.tensor = parameter.tensor.to(device).requires_grad_();
  return parameters;
}

void take_step(Optimizer& optimizer, const std::vector<model::Parameter>& parameters, int64_t step,
               double learning_rate) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    auto tensor = parameters[i].tensor;
    tensor.mutable_grad() = gradient_of(tensor.sizes(), step, i).to(tensor.options());
  }
  optimizer.collect_gradients(parameters);
  optimizer.update(learning_rate);
}

TrainOptions options_of(const Golden& golden, const Case& tested) {
  Json merged = golden.note["options"];
  const Json own = parse_json(tested.options, tested.name);
  for (const auto& [key, value] : own.items()) merged[key] = value;
  return from_json<TrainOptions>(merged);
}

using Tested = std::tuple<Case, at::DeviceType>;
class Goldens : public ::testing::TestWithParam<Tested> {};
INSTANTIATE_TEST_SUITE_P(Optimizers, Goldens,
                         ::testing::Combine(::testing::ValuesIn(kCases),
                                            ::testing::ValuesIn(testing::test_devices())),
                         [](const auto& case_info) {
                           const auto& tested = std::get<Case>(case_info.param);
                           const bool on_host = std::get<1>(case_info.param) == at::kCPU;
                           return str(tested.name, on_host ? "" : "_on_device");
                         });

TEST(Devices, CudaIsThere) {
  if (!at::hasCUDA())
    GTEST_SKIP() << "no CUDA device in this build or on this machine: only the CPU is tested";
}

TEST_P(Goldens, TwentyFiveStepsLeadWhereTheOriginalsDo) {
  const Golden golden;
  const auto& [tested, device] = GetParam();
  const auto options = options_of(golden, tested);
  const auto parameters = initial_weights(options.optim == OptimizerKind::kAdamW8bit, device);
  Optimizer optimizer(parameters, options);
  for (int64_t step = 1; step <= 25; ++step) {
    take_step(optimizer, parameters, step, options.learning_rate);
    if (step != 1 && step != 5 && step != 25) continue;
    for (const auto& parameter : parameters) {
      const auto difference = (parameter.tensor.detach().cpu() -
                               golden.get(str(tested.name, ".", step, ".", parameter.name)))
                                  .abs();
      EXPECT_LT(difference.max().item<double>(), tested.tolerance)
          << parameter.name << " after step " << step;
      EXPECT_LT(difference.mean().item<double>(), tested.typical)
          << parameter.name << " after step " << step;
    }
  }
}

// In float32 the five steps amplify roundings by some 3.4^5 = 500: 6e-8 becomes 3e-5.
TEST(Orthogonalised, IsTorchsIterationInFloat32) {
  const auto got = orthogonalised(noise({40, 17}, 5), at::kFloat);
  const auto expected = Golden().get("orthogonalised.tall");
  EXPECT_LT((got - expected).abs().max().item<double>(), 3e-5);
}

TEST(DynamicMap, IsThatOfBitsandbytes) {
  const Golden golden;
  for (const auto& [name, with_sign] : {std::pair{"qmap1", true}, std::pair{"qmap2", false}}) {
    plain::Quantized ramp{.codes = at::arange(256, at::kByte), .largest = at::ones({1})};
    const auto map = plain::dequantize(ramp, with_sign);
    const auto expected = golden.get(str("adamw_8bit.", name));
    EXPECT_LT(((map - expected).abs() / expected.abs().clamp_min(1e-9)).max().item<double>(), 1e-6)
        << name;  // theirs is made by float32 arithmetic
  }
}

struct StateDifference {
  double differing_codes = 0;       // share of them
  double largest = 0, typical = 0;  // of the values, as shares of their block's largest
};
StateDifference difference_of(const Golden& golden, const plain::Quantized& ours, int64_t step,
                              bool with_sign) {
  const auto* number = with_sign ? "1" : "2";
  const plain::Quantized theirs = {
      .codes = golden.get(str("adamw_8bit.", step, ".state", number)),
      .largest = golden.get(str("adamw_8bit.", step, ".absmax", number))};
  const auto codes = ours.codes.ne(theirs.codes).to(at::kDouble);
  const auto values =
      (plain::dequantize(ours, with_sign) - plain::dequantize(theirs, with_sign)).abs();
  const auto scale = theirs.largest.repeat_interleave(256).slice(0, 0, values.numel());
  const auto shares = values / scale;
  return {.differing_codes = codes.mean().item<double>(),
          .largest = shares.max().item<double>(),
          .typical = shares.mean().item<double>()};
}

// After one step a code differs only where the number was within a rounding of the middle between
// two.  Each such difference (up to half a gap, 0.7 % of the block's largest) then leads its own
// number another way.  Codes of squares are not counted: on a CPU bitsandbytes finds them by a
// table of 2^16 steps, which misses the nearest of the densest ones by up to 2e-5 of the largest.
TEST(AdamW8bit, StatesAreThoseOfBitsandbytes) {
  const Golden golden;
  const auto options = options_of(golden, kCases[7]);
  const auto parameters = initial_weights(/*large=*/true);
  Optimizer optimizer(parameters, options);
  for (int64_t step = 1; step <= 25; ++step) {
    take_step(optimizer, parameters, step, options.learning_rate);
    if (step != 1 && step != 25) continue;
    std::map<std::string, at::Tensor> state;
    for (auto& [name, tensor] : optimizer.state()) state[name] = tensor;
    EXPECT_EQ(state.at("mean_largest.matrix").numel(), 17);  // the last block is a part of one
    const auto mean =
        difference_of(golden, {state.at("mean_codes.matrix"), state.at("mean_largest.matrix")},
                      step, /*with_sign=*/true);
    const auto square = difference_of(
        golden, {state.at("mean_square_codes.matrix"), state.at("mean_square_largest.matrix")},
        step, /*with_sign=*/false);
    EXPECT_LT(mean.differing_codes, step == 1 ? 0.005 : 0.1);
    for (const auto& difference : {mean, square}) {
      EXPECT_LT(difference.largest, step == 1 ? 0.015 : 0.05) << step;
      EXPECT_LT(difference.typical, step == 1 ? 1e-4 : 1e-3) << step;
    }
  }
}

std::vector<std::string> names_of(const Optimizer& optimizer) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : optimizer.state()) names.push_back(name);
  return names;
}

TEST(AdamW8bit, SmallTensorsAndEmbeddingsKeepFloat32States) {
  const auto tensor = [](int64_t rows) { return at::zeros({rows, 64}).requires_grad_(); };
  const Optimizer optimizer({{.name = "large", .tensor = tensor(64)},
                             {.name = "small", .tensor = tensor(63)},
                             {.name = "embedding", .tensor = tensor(64), .embedding = true}},
                            {.optim = OptimizerKind::kAdamW8bit});
  EXPECT_THAT(
      names_of(optimizer),
      ::testing::ElementsAre("mean_codes.large", "mean_largest.large", "mean_square_codes.large",
                             "mean_square_largest.large", "mean.small", "mean.embedding",
                             "mean_square.small", "mean_square.embedding"));
}

TEST(Muon, EmbeddingsAndVectorsAreAdamWs) {
  const Optimizer optimizer(
      {{.name = "matrix", .tensor = at::zeros({4, 4}).requires_grad_()},
       {.name = "norm", .tensor = at::zeros({4}).requires_grad_()},
       {.name = "embedding", .tensor = at::zeros({4, 4}).requires_grad_(), .embedding = true}},
      {.optim = OptimizerKind::kMuon});
  EXPECT_THAT(names_of(optimizer),
              ::testing::ElementsAre("momentum.matrix", "mean.norm", "mean.embedding",
                                     "mean_square.norm", "mean_square.embedding"));
}

// Sizes around a piece and a vector; a scale as clipping gives.  Both round weights of size 1 in
// each of 20 steps, by up to 6e-8: 3e-6.
TEST(FusedAdamW, IsItsPlainDefinition) {
  std::vector<model::Parameter> parameters;
  std::vector<at::Tensor> values, means, squares;
  for (const int64_t size : {1, 31, 4095, 4096, 4097, 10000}) {
    parameters.push_back(
        {.name = str(size), .tensor = noise({size}, uint64_t(size)).requires_grad_()});
    values.push_back(parameters.back().tensor.detach().clone());
    means.push_back(at::zeros({size}));
    squares.push_back(at::zeros({size}));
  }
  const TrainOptions options = {.weight_decay = 0.1};
  Optimizer optimizer(parameters, options);
  for (int64_t step = 1; step <= 20; ++step) {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto gradient = gradient_of(values[i].sizes(), step, i);
      parameters[i].tensor.mutable_grad() = gradient;
      plain::adamw_(values[i], gradient * 0.5, means[i], squares[i],
                    {.learning_rate = 0.01,
                     .beta1 = options.adam_beta1,
                     .beta2 = options.adam_beta2,
                     .epsilon = options.adam_epsilon,
                     .weight_decay = 0.1,
                     .step = step});
    }
    optimizer.update(0.01, 0.5);
  }
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_LT((parameters[i].tensor.detach() - values[i]).abs().max().item<double>(), 3e-6);
}

// What an optimizer does where its weights are on a device, on every device there is: ATen has both
// fused steps on the CPU too.  Weights of two groups, one without gradient, one of half precision.
class OnDevices : public ::testing::TestWithParam<at::DeviceType> {};
INSTANTIATE_TEST_SUITE_P(Optimizers, OnDevices, ::testing::ValuesIn(testing::test_devices()));

TEST_P(OnDevices, ATensFusedAdamWIsThePlainDefinition) {
  std::vector<at::Tensor> values, means, squares, expected, plain_means, plain_squares;
  for (const int64_t size : {1, 31, 5000}) {
    values.push_back(noise({size}, uint64_t(size)).to(GetParam()));
    expected.push_back(values.back().clone());
    for (auto* states : {&means, &squares, &plain_means, &plain_squares})
      states->push_back(at::zeros_like(values.back()));
  }
  for (int64_t step = 1; step <= 20; ++step) {
    const plain::Adamw options = {.learning_rate = 0.01,
                                  .beta1 = 0.9,
                                  .beta2 = 0.99,
                                  .epsilon = 1e-8,
                                  .weight_decay = 0.1,
                                  .step = step};
    std::vector<at::Tensor> gradients;
    for (size_t i = 0; i < values.size(); ++i) {
      gradients.push_back(gradient_of(values[i].sizes(), step, i).to(GetParam()));
      plain::adamw_(expected[i], gradients[i] * 0.5, plain_means[i], plain_squares[i], options);
    }
    fused_adamw_(values, gradients, means, squares, {.options = options, .gradient_scale = 0.5});
  }
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_LT((values[i] - expected[i]).abs().max().item<double>(), 3e-6);
}

TEST_P(OnDevices, AllTensorsAreThoseWithAGradientInGroupsOfDecay) {
  const auto make = [&](const char* name, at::ScalarType dtype, bool decay, bool has_gradient) {
    Weight weight{.name = name,
                  .parameter = at::ones({300}, at::TensorOptions().dtype(dtype).device(GetParam())),
                  .decay = decay};
    weight.master = dtype == at::kFloat ? weight.parameter : weight.parameter.to(at::kFloat);
    const auto gradient = at::full_like(weight.master, 2.0);
    if (has_gradient && dtype == at::kFloat) weight.parameter.mutable_grad() = gradient;
    if (has_gradient && dtype != at::kFloat) weight.gradient_sum = gradient;
    return weight;
  };
  auto matrix = make("matrix", at::kFloat, true, true),
       norm = make("norm", at::kFloat, false, true), half = make("half", at::kBFloat16, true, true),
       none = make("none", at::kFloat, true, false),
       random = make("random", at::kBFloat16, true, true);
  random.master.reset();  // rounded stochastically
  const Weights weights = {&matrix, &norm, &half, &none, &random};
  std::vector<std::vector<size_t>> groups;
  for_all_tensors(weights, {.number = 3, .seed = 7}, [&](const Tensors& tensors) {
    groups.push_back(tensors.indices);
    for (size_t i = 0; i < tensors.values.size(); ++i)
      tensors.values[i].sub_(tensors.gradients[i], 0.001);
  });
  EXPECT_THAT(groups,
              ::testing::ElementsAre(::testing::ElementsAre(0, 2, 4), ::testing::ElementsAre(1)));
  EXPECT_NEAR(matrix.parameter[0].item<double>(), 0.998, 1e-6);
  EXPECT_NEAR(norm.parameter[0].item<double>(), 0.998, 1e-6);
  EXPECT_EQ(half.parameter[0].item<double>(), 0.99609375);  // the nearest bfloat16
  EXPECT_EQ(none.parameter[0].item<double>(), 1.0);
  // To 1 or to its neighbour 0.9961, in the proportion that makes 0.998: 300 draws.
  const auto rounded = random.parameter.to(at::kFloat);
  EXPECT_TRUE(rounded.eq(1.0).logical_or(rounded.eq(0.99609375)).all().item<bool>());
  EXPECT_NEAR(rounded.mean().item<double>(), 0.998, 5e-4);
}

TEST(FusedPasses, OfLionAndSgdAreTheirPlainDefinitions) {
  auto lion = noise({5000}, 1), lion_mean = at::zeros({5000}), sgd = lion.clone(),
       velocity = at::zeros({5000});
  const std::vector<model::Parameter> of_lion = {
      {.name = "w", .tensor = lion.clone().requires_grad_()}};
  const std::vector<model::Parameter> of_sgd = {
      {.name = "w", .tensor = lion.clone().requires_grad_()}};
  Optimizer fused_lion(of_lion, {.weight_decay = 0.1, .optim = OptimizerKind::kLion});
  Optimizer fused_sgd(of_sgd, {.weight_decay = 0.1, .optim = OptimizerKind::kSgd, .momentum = 0.5});
  for (int64_t step = 1; step <= 20; ++step) {
    const auto gradient = gradient_of({5000}, step, 0);
    plain::lion_(lion, gradient, lion_mean,
                 {.learning_rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .weight_decay = 0.1});
    plain::sgd_(sgd, gradient, velocity,
                {.learning_rate = 0.01, .momentum = 0.5, .weight_decay = 0.1});
    take_step(fused_lion, of_lion, step, 0.01);
    take_step(fused_sgd, of_sgd, step, 0.01);
  }
  EXPECT_LT((of_lion[0].tensor.detach() - lion).abs().max().item<double>(), 1e-6);
  EXPECT_LT((of_sgd[0].tensor.detach() - sgd).abs().max().item<double>(), 1e-6);
}

TEST(Quantize, RoundTripsWithinHalfAGap) {
  const auto x = noise({1000}, 9);
  plain::Quantized state{.codes = at::zeros({1000}, at::kByte), .largest = at::zeros({4})};
  plain::quantize_(state, x, /*with_sign=*/true);
  // 64 numbers from 0.1 to 1: half a gap is 0.007.
  EXPECT_LT((plain::dequantize(state, true) - x).abs().max().item<double>(), 0.0071);
}

const std::map<std::string, TrainOptions> kEveryKind = {
    {"adamw", {.optim = OptimizerKind::kAdamW}},
    {"adamw_8bit", {.optim = OptimizerKind::kAdamW8bit}},
    {"adafactor", {.optim = OptimizerKind::kAdafactor}},
    {"lion", {.optim = OptimizerKind::kLion}},
    {"muon", {.optim = OptimizerKind::kMuon}},
    {"sgd", {.optim = OptimizerKind::kSgd}}};

at::Tensor trained(TrainOptions options, at::ScalarType dtype, int threads) {
  at::set_num_threads(threads);
  const std::vector<model::Parameter> parameters = {
      {.name = "w", .tensor = noise({200, 200}, 3).to(dtype).requires_grad_()}};
  Optimizer optimizer(parameters, options);
  for (int64_t step = 1; step <= 3; ++step) take_step(optimizer, parameters, step, 1e-3);
  at::set_num_threads(1);
  return parameters[0].tensor.detach();
}

// Products (muon) and means (adafactor) are the framework's own.
TEST(FusedPasses, DoNotDependOnTheNumberOfThreads) {
  for (const auto* name : {"adamw", "adamw_8bit", "lion", "sgd"}) {
    auto options = kEveryKind.at(name);
    options.bf16_update = BFloat16Update::kStochasticRounding;
    EXPECT_TRUE(trained(options, at::kBFloat16, 1).equal(trained(options, at::kBFloat16, 2)))
        << name;
  }
}

// Steps of 1e-4 at weights of 1, where bfloat16 numbers are 0.0078 apart (below 1: 0.0039).
struct Drift {
  double moved = 0;  // mean of the change
  at::Tensor weights;
};
Drift drift_of(TrainOptions options, double learning_rate) {
  const std::vector<model::Parameter> parameters = {
      {.name = "w",
       .tensor = at::ones({128, 128}, at::kBFloat16).requires_grad_(),
       .decay = false}};
  Optimizer optimizer(parameters, options);
  for (int step = 0; step < 40; ++step) {
    parameters[0].tensor.mutable_grad() = at::ones({128, 128}, at::kBFloat16);
    optimizer.collect_gradients(parameters);
    optimizer.update(learning_rate);
  }
  const auto weights = parameters[0].tensor.detach();
  return {.moved = (1 - weights.to(at::kFloat)).mean().item<double>(), .weights = weights};
}

TEST(SmallUpdates, AreLostByPlainBFloat16) {
  auto weights = at::ones({128}, at::kBFloat16);
  for (int step = 0; step < 40; ++step) weights.sub_(1e-4);
  EXPECT_EQ(weights.to(at::kFloat).min().item<double>(), 1.0);
}

// 40 steps of 1e-4 with a gradient that stays: AdamW and lion move by 1e-4 each, sgd likewise.  The
// masters' copy moves by the nearest bfloat16, 0.0039; rounding at random moves by 0.004 on
// average, with a deviation of 0.002 / sqrt(16384) = 2e-5.
TEST(SmallUpdates, AreKeptByMastersAndByStochasticRounding) {
  for (const auto* name : {"adamw", "adamw_8bit", "lion", "sgd"}) {
    auto options = kEveryKind.at(name);
    EXPECT_NEAR(drift_of(options, 1e-4).moved, 0.00390625, 1e-9) << name;
    options.bf16_update = BFloat16Update::kStochasticRounding;
    const auto drift = drift_of(options, 1e-4);
    EXPECT_NEAR(drift.moved, 0.004, 1e-4) << name;
    EXPECT_TRUE(drift.weights.equal(drift_of(options, 1e-4).weights)) << name;
    options.seed = 43;
    EXPECT_FALSE(drift.weights.equal(drift_of(options, 1e-4).weights)) << name;
  }
}

// Forty small steps one way: adafactor moves by the rate; muon by its share of a matrix of ones.
TEST(SmallUpdates, AreKeptByTensorWiseRulesToo) {
  for (const auto& [name, rate] : {std::pair{"adafactor", 2e-4}, std::pair{"muon", 5e-3}}) {
    auto options = kEveryKind.at(name);
    const double by_masters = drift_of(options, rate).moved;
    options.bf16_update = BFloat16Update::kStochasticRounding;
    const double at_random = drift_of(options, rate).moved;
    EXPECT_GT(at_random, 1e-3) << name;
    EXPECT_NEAR(at_random, by_masters, 0.002) << name;  // half a gap
  }
}

TEST(StochasticRounding, KeepsNoMasters) {
  const Optimizer optimizer(
      {{.name = "w", .tensor = at::ones({4}, at::kBFloat16).requires_grad_()}},
      {.bf16_update = BFloat16Update::kStochasticRounding});
  EXPECT_THAT(names_of(optimizer), ::testing::ElementsAre("mean.w", "mean_square.w"));
}

TEST(Float16, HasMastersWhateverIsAsked) {
  const std::vector<model::Parameter> parameters = {
      {.name = "w", .tensor = at::ones({4}, at::kHalf).requires_grad_(), .decay = false}};
  Optimizer optimizer(parameters, {.bf16_update = BFloat16Update::kStochasticRounding});
  for (int step = 0; step < 10; ++step) {
    parameters[0].tensor.mutable_grad() = at::ones({4}, at::kHalf);
    optimizer.collect_gradients(parameters);
    optimizer.update(1e-4);
  }
  EXPECT_NEAR(parameters[0].tensor[0].item<double>(), 1 - 10e-4, 0x1p-12);  // half of float16's gap
}

}  // namespace
}  // namespace tunewright::train

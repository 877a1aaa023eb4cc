#include "tunewright/train/optimizer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/io/safetensors.h"

namespace tunewright::train {
namespace {

using tunewright::testing::source_path;

at::Tensor load(const io::Safetensors& file, const std::string& name) {
  const auto view = file.get(name);
  return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, at::kFloat).clone();
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// The fused update multiplies in another order than torch.optim's loop: a few roundings of 6e-8
// relative in values of size 1, so 1e-6 after ten steps.
TEST(AdamW, TenClippedStepsAreThoseOfTorch) {
  const auto file = io::Safetensors::open(source_path("tests/golden/optimizer.safetensors"));
  const auto options =
      from_json<TrainOptions>(read_json(source_path("tests/golden/optimizer.json"))["options"]);
  const auto norms = load(file, "norms");
  auto matrix = load(file, "initial.matrix").requires_grad_(),
       norm = load(file, "initial.norm").requires_grad_();
  Optimizer optimizer({{"matrix", matrix, true}, {"norm", norm, false}}, options);
  for (int64_t step = 0; step < norms.numel(); ++step) {
    matrix.mutable_grad() = load(file, str("gradient.", step, ".matrix"));
    norm.mutable_grad() = load(file, str("gradient.", step, ".norm"));
    const double total = gradient_norm(optimizer.gradients()).item<double>();
    EXPECT_NEAR(total, norms[step].item<double>(), 1e-5);
    optimizer.update(options.learning_rate, clip_scale(total, options.max_grad_norm));
    EXPECT_LT(largest_difference(matrix.detach(), load(file, str("after.", step, ".matrix"))), 1e-6)
        << "step " << step;
    EXPECT_LT(largest_difference(norm.detach(), load(file, str("after.", step, ".norm"))), 1e-6)
        << "step " << step;
  }
}

// A bfloat16 parameter is the rounded copy of a float32 one that gets the same gradients.
TEST(AdamW, HalfPrecisionHasFloat32Masters) {
  const auto initial = at::randn({8, 8}).to(at::kBFloat16);
  auto half = initial.clone().requires_grad_(), full = initial.to(at::kFloat).requires_grad_();
  Optimizer of_half({{"w", half, true}}, {.weight_decay = 0.1}),
      of_full({{"w", full, true}}, {.weight_decay = 0.1});
  for (int step = 0; step < 20; ++step) {
    const auto gradient = at::randn({8, 8}).to(at::kBFloat16);
    half.mutable_grad() = gradient.clone();
    of_half.collect_gradients({{"w", half, true}});
    full.mutable_grad() = gradient.to(at::kFloat);
    of_half.update(1e-4);  // far below bfloat16's spacing: without a master nothing would move
    of_full.update(1e-4);
  }
  EXPECT_TRUE(half.detach().equal(full.detach().to(at::kBFloat16)));
  EXPECT_FALSE(half.detach().equal(initial));
}

// 1 + 2^-9 is not a bfloat16 number: sums of gradients are kept in float32.
TEST(AdamW, HalfPrecisionGradientsAddUpInFloat32) {
  auto half = at::tensor({1.0F}).to(at::kBFloat16).requires_grad_();
  Optimizer optimizer({{"w", half, true}}, {});
  for (const float part : {1.0F, 0x1p-9F}) {
    half.mutable_grad() = at::tensor({part}).to(at::kBFloat16);
    optimizer.collect_gradients({{"w", half, true}});
  }
  EXPECT_EQ(optimizer.gradients().at(0).item<double>(), 1.0 + 0x1p-9);
}

// A replica is another tensor on the same memory, with a gradient of its own.
TEST(Optimizer, AddsTheGradientsOfReplicas) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    auto own = at::tensor({1.0F, 2.0F}).to(dtype).requires_grad_();
    auto replica = own.detach().requires_grad_();
    Optimizer optimizer({{"w", own, true}}, {});
    own.mutable_grad() = at::tensor({1.0F, 4.0F}).to(dtype);
    replica.mutable_grad() = at::tensor({0x1p-9F, -1.0F}).to(dtype);
    optimizer.collect_gradients({{"w", own, true}});
    optimizer.collect_gradients({{"w", replica, true}});
    EXPECT_FALSE(replica.grad().defined());
    EXPECT_TRUE(optimizer.gradients().at(0).equal(at::tensor({1.0F + 0x1p-9F, 3.0F})));
  }
}

TEST(AdamW, AParameterWithoutAGradientStays) {
  auto used = at::randn({3}).requires_grad_(), unused = at::randn({3}).requires_grad_();
  const auto before = unused.detach().clone();
  Optimizer optimizer({{"used", used, true}, {"unused", unused, true}}, {.weight_decay = 0.5});
  used.mutable_grad() = at::randn({3});
  optimizer.update(0.1);
  EXPECT_TRUE(unused.detach().equal(before));
  EXPECT_FALSE(used.grad().defined());
}

TEST(GradientNorm, DoesNotDependOnTheNumberOfThreads) {
  const std::vector<at::Tensor> gradients = {at::randn({300, 1000}), at::randn({7}),
                                             at::randn({40, 33}).t()};
  const int before = at::get_num_threads();
  std::vector<float> norms;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    norms.push_back(gradient_norm(gradients).item<float>());
  }
  at::set_num_threads(before);
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
  const auto all = at::cat({gradients[0].flatten(), gradients[1], gradients[2].flatten()});
  const double plain = at::linalg_vector_norm(all.to(at::kDouble)).item<double>();
  EXPECT_NEAR(norms[0], plain, 1e-6 * plain);  // float32 sums of 64 squares
}

TEST(GradientNorm, NothingHasNormZero) { EXPECT_EQ(gradient_norm({}).item<double>(), 0.0); }

// Numbers that vectors and pieces do not divide evenly; sums of squares in another order.
TEST(GradientNorm, IsThatOfAllNumbersTogether) {
  const std::vector<at::Tensor> gradients = {at::randn({70, 77}), at::randn({3}),
                                             at::randn({9000})};
  const auto expected = at::cat({gradients[0].flatten(), gradients[1], gradients[2]}).norm();
  EXPECT_NEAR(gradient_norm(gradients).item<double>(), expected.item<double>(),
              1e-6 * expected.item<double>());
  const std::vector<at::Tensor> strided = {gradients[0].t(), gradients[1], gradients[2]};
  EXPECT_NEAR(gradient_norm(strided).item<double>(), expected.item<double>(),
              1e-6 * expected.item<double>());
}

TEST(ClipScale, ZeroIsOffAndSmallNormsStay) {
  EXPECT_EQ(clip_scale(50.0, 0.0), 1.0);
  EXPECT_EQ(clip_scale(4.0, 5.0), 1.0);
  EXPECT_NEAR(clip_scale(50.0, 5.0), 0.1, 1e-8);
}

}  // namespace
}  // namespace tunewright::train

#include "tunewright/train/doctor.h"

#include <ATen/core/grad_mode.h>

#include <limits>

#include "tunewright/base/test.h"
#include "tunewright/train/spikes.h"
#include "tunewright/train/train_fixture.h"

namespace tunewright::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using BadWeight = Finding::BadWeight;

std::unique_ptr<model::CausalLm> adapted_model(at::ScalarType dtype = at::kFloat) {
  auto model = tiny_model(dtype);
  model::prepare_for_training(*model, {.r = 4, .lora_alpha = 8}, 1);
  return model;
}

data::Batch batch_of(const data::Dataset& dataset) {
  std::vector<data::Batch> batches;
  data::for_each_batch(dataset, 1 << 20, [&](const data::Batch& batch, int64_t) {
    batches.push_back(batch);
    return true;
  });
  return batches.at(0);
}

Finding examine(model::CausalLm& model, const data::Batch& batch, double weight = 1) {
  const std::vector<SuspectPass> passes = {{.batch = batch, .dropout_seed = 3}};
  return diagnose(model, objective_of(ObjectiveKind::kSft), passes, weight);
}

// The base weight of that name; one number of it is changed.
void plant(model::CausalLm& model, const std::string& name, int64_t row, float value) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : model.base_parameters()) {
    if (parameter.name == name) parameter.tensor[row][0].fill_(value);
  }
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Doctor, NamesTheFirstLayerAndTheWeight) {
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    const auto model = adapted_model(dtype);
    plant(*model, "model.layers.1.mlp.up_proj.weight", 0, kInfinity);
    const auto found = examine(*model, batch_of(tiny_dataset(3, 1)));
    EXPECT_THAT(found.where, HasSubstr(dtype == at::kFloat
                                           ? "the output of model.layers.1.mlp.up_proj (float32) is"
                                           : "model.layers.1.mlp.up_proj (bfloat16) is"));
    EXPECT_THAT(found.where, HasSubstr("the weight model.layers.1.mlp.up_proj.weight ("));
    EXPECT_EQ(found.bad_weight, BadWeight::kFrozen);
    EXPECT_THAT(found.rows, ElementsAre(0, 1, 2));
  }
}

TEST(Doctor, NamesOnlyTheRowsThatMeetTheDamage) {
  const auto model = adapted_model();
  const auto dataset = tiny_dataset(6, 1);
  const int32_t token = dataset.examples[4].ids[0];
  plant(*model, "model.embed_tokens.weight", token, std::nanf(""));
  std::vector<int64_t> expected;
  for (size_t i = 0; i < dataset.examples.size(); ++i) {
    const auto example = dataset.examples[i];
    if (std::ranges::find(example.ids, token) != example.ids.end()) expected.push_back(example.row);
  }
  ASSERT_LT(expected.size(), dataset.examples.size());
  const auto found = examine(*model, batch_of(dataset));
  EXPECT_THAT(found.where, HasSubstr("the output of model.embed_tokens (float32) is not a number"));
  EXPECT_EQ(found.rows, expected);
}

TEST(Doctor, NamesTheRowWhoseWeightIsTooLarge) {
  const auto model = adapted_model();
  const auto dataset = changed(tiny_dataset(3, 1), [](size_t i, data::Example& example) {
    if (i == 1) example.weights.assign(example.ids.size(), 3e38F);
  });
  const auto found = examine(*model, batch_of(dataset));
  EXPECT_EQ(found.where, "the loss behind the output head (float32) is infinite");
  EXPECT_EQ(found.bad_weight, BadWeight::kNone);
  EXPECT_THAT(found.rows, ElementsAre(1));
}

// The loss is finite; its gradient, scaled by 1 / 1e-3, is not.
TEST(Doctor, NamesWhereTheGradientIsNoLongerFinite) {
  const auto model = adapted_model();
  const auto dataset = changed(tiny_dataset(3, 1), [](size_t i, data::Example& example) {
    if (i != 2) return;
    example.weights.assign(example.ids.size(), 0);
    example.weights.back() = 5e37F;
  });
  const auto found = examine(*model, batch_of(dataset), 1e-3);
  EXPECT_THAT(found.where, HasSubstr("the gradient at the output of model.norm (float32) is"));
  EXPECT_THAT(found.rows, ElementsAre(2));
}

TEST(Doctor, SaysWhereEveryPassAloneIsFinite) {
  const auto model = adapted_model();
  const auto found = examine(*model, batch_of(tiny_dataset(2, 1)));
  EXPECT_THAT(found.where, HasSubstr("each pass alone is finite; the largest gradient, "));
  EXPECT_THAT(found.rows, ElementsAre(0, 1));
  for (const auto& parameter : model->trainable_parameters())
    EXPECT_FALSE(parameter.tensor.grad().defined()) << "gradients are cleared";
}

TEST(Doctor, OrdersRowsByTheirLoss) {
  const auto model = adapted_model();
  const auto batch = batch_of(tiny_dataset(5, 1));
  const auto losses =
      row_losses(*model, objective_of(ObjectiveKind::kSft), {.batch = batch, .dropout_seed = 3});
  ASSERT_EQ(losses.size(), 5U);
  for (size_t i = 1; i < losses.size(); ++i) EXPECT_GE(losses[i - 1].loss, losses[i].loss);
}

TEST(Spikes, FollowTheirFormula) {
  SpikeDetector detector;
  for (int i = 0; i < 15; ++i) EXPECT_FALSE(detector.judge(1000)) << "too few to judge";
  for (int i = 0; i < 64; ++i) EXPECT_FALSE(detector.judge(i % 2 == 0 ? 1.0 : 2.0));
  // 32 values of 1 and 2 each: the (upper) median is 2, the (upper) median distance from it 1.
  const double limit = 2 + 10 * 1.4826;
  EXPECT_FALSE(detector.judge(limit - 1e-9));
  const auto spike = detector.judge(limit + 1).value_or(SpikeDetector::Spike{});
  EXPECT_EQ(spike.median, 2);
  EXPECT_NEAR(spike.limit, limit, 1e-12);  // float64 arithmetic
}

TEST(Spikes, ASteadySeriesCriesOverNoTrifle) {
  SpikeDetector detector;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(detector.judge(1.0));
  EXPECT_FALSE(detector.judge(1.49));  // 10 * 5 % above
  EXPECT_TRUE(detector.judge(1.51));
  EXPECT_FALSE(detector.judge(std::nan("")));
}

}  // namespace
}  // namespace tunewright::train

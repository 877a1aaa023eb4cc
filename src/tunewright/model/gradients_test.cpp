#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/golden_test.h"
#include "tunewright/ops/ops.h"

namespace tunewright::model {
namespace {

// Gradients are sums over all tokens of products that are such sums themselves.
constexpr double kGradientTolerance = 5e-5;

class Gradients : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Models, Gradients,
                         ::testing::Values("llama", "llama_tied_linear", "llama_dynamic",
                                           "llama_llama3", "llama_yarn", "llama_yarn_mscale",
                                           "mistral", "qwen2", "qwen3"),
                         [](const auto& case_info) { return std::string(case_info.param); });

void expect_golden_gradients(const GoldenModel& golden, CausalLm& model) {
  const auto loss = next_token_loss(model, golden["ids/0"]);
  EXPECT_NEAR(loss.item<double>(), golden["loss"].item<double>(),
              1e-4 * golden["loss"].item<double>());
  loss.backward();
  int64_t compared = 0;
  for (const auto& parameter : model.base_parameters()) {
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    const auto expected = golden.tensors.find("gradient/" + parameter.name);
    if (expected == golden.tensors.end()) continue;
    EXPECT_LT(relative_difference(parameter.tensor.grad(), expected->second), kGradientTolerance)
        << parameter.name;
    ++compared;
  }
  EXPECT_GE(compared, 5);
}

TEST_P(Gradients, OfFullTrainingAreThoseOfTransformers) {
  const auto golden = GoldenModel::load(GetParam());
  const auto model = golden.model();
  prepare_for_training(*model, {.type = AdapterType::kNone}, 1);
  expect_golden_gradients(golden, *model);
}

TEST_P(Gradients, WithCheckpointingAreTheSame) {
  const auto golden = GoldenModel::load(GetParam());
  const auto model = golden.model();
  prepare_for_training(*model, {.type = AdapterType::kNone}, 1);
  model->set_checkpointed_blocks(100);
  expect_golden_gradients(golden, *model);
}

TEST_P(Gradients, OfAReplicaAreTheSameAndItsOwn) {
  const auto golden = GoldenModel::load(GetParam());
  const auto model = golden.model();
  prepare_for_training(*model, {.type = AdapterType::kNone}, 1);
  const auto replica = model->replica();
  expect_golden_gradients(golden, *replica);
  for (const auto& parameter : model->base_parameters())
    EXPECT_FALSE(parameter.tensor.grad().defined()) << parameter.name;
  const auto own = model->trainable_parameters(), copied = replica->trainable_parameters();
  ASSERT_EQ(own.size(), copied.size());
  for (size_t i = 0; i < own.size(); ++i) {
    EXPECT_EQ(own[i].name, copied[i].name);
    EXPECT_EQ(own[i].tensor.const_data_ptr(), copied[i].tensor.const_data_ptr());
  }
}

TEST(Checkpointing, LeavesLossAndLoraGradientsBitEqualWithDropout) {
  const auto golden = GoldenModel::load("llama");
  const auto gradients = [&](int64_t checkpointed) {
    const auto model = golden.model();
    prepare_for_training(*model, {.r = 4, .lora_dropout = 0.3}, 5);
    model->set_checkpointed_blocks(checkpointed);
    model->set_training(true, 99);
    const auto loss = next_token_loss(*model, golden["ids/0"]);
    loss.backward();
    std::vector<at::Tensor> list = {loss.detach()};
    for (const auto& parameter : model->trainable_parameters())
      list.push_back(parameter.tensor.grad());
    return list;
  };
  const auto kept = gradients(0);
  for (const int64_t checkpointed : {1, 2, 100}) {
    const auto recomputed = gradients(checkpointed);
    ASSERT_EQ(kept.size(), recomputed.size());
    for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(kept[i].equal(recomputed[i])) << i;
  }
}

// Every kind of last product: of a frozen weight, a trained one, one with an adapter or bias.
TEST(Checkpointing, LeavesFullAndFrozenLayerGradientsBitEqual) {
  for (const auto type : {AdapterType::kNone, AdapterType::kFreeze}) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      const auto golden = GoldenModel::load("qwen2");
      const auto gradients = [&](int64_t checkpointed) {
        const auto model = golden.model(dtype);
        prepare_for_training(*model, {.type = type, .trainable_layers = 1}, 5);
        model->set_checkpointed_blocks(checkpointed);
        next_token_loss(*model, golden["ids/0"]).backward();
        std::vector<at::Tensor> list;
        for (const auto& parameter : model->trainable_parameters())
          list.push_back(parameter.tensor.grad());
        return list;
      };
      const auto kept = gradients(0), recomputed = gradients(100);
      ASSERT_EQ(kept.size(), recomputed.size());
      for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(kept[i].equal(recomputed[i])) << i;
    }
  }
}

TEST_P(Gradients, OfWantedTokensAreThoseOfTheSameTokensOfAll) {
  const auto golden = GoldenModel::load(GetParam());
  const auto rows = at::tensor({3, 4, 11}, at::kLong);
  const auto run = [&](const AdapterOptions& adapter, int64_t checkpointed, bool narrowed) {
    const auto model = golden.model();
    prepare_for_training(*model, adapter, 1);
    model->set_training(true, 7);
    model->set_checkpointed_blocks(checkpointed);
    auto input = pack({golden["ids/0"], golden["ids/1"]});
    if (narrowed) input.wanted = rows;
    const auto all = model->hidden(input);
    const auto hidden = narrowed ? all : all.index_select(0, rows);
    hidden.pow(2).sum().backward();
    std::vector<at::Tensor> list = {hidden.detach()};
    for (const auto& parameter : model->trainable_parameters())
      list.push_back(parameter.tensor.grad());
    return list;
  };
  for (const auto& adapter :
       {AdapterOptions{.type = AdapterType::kNone}, AdapterOptions{.r = 4, .lora_dropout = 0.3}}) {
    for (const int64_t checkpointed : {0, 100}) {
      const auto narrowed = run(adapter, checkpointed, true),
                 all = run(adapter, checkpointed, false);
      ASSERT_EQ(narrowed.size(), all.size());
      EXPECT_EQ(narrowed.front().size(0), 3);
      for (size_t i = 0; i < all.size(); ++i) {
        if (!all[i].defined()) continue;  // an output head of its own
        EXPECT_LT(relative_difference(narrowed[i], all[i]), kGradientTolerance) << i;
      }
    }
  }
}

TEST(FusedLoss, GivesTheGradientsOfTheLogits) {
  const auto golden = GoldenModel::load("llama_tied_linear");
  const auto model = golden.model();
  prepare_for_training(*model, {.type = AdapterType::kNone}, 1);
  const auto ids = golden["ids/0"];
  const auto hidden = model->hidden(pack({ids})).slice(0, 0, -1);
  const auto loss = ops::linear_cross_entropy_sum(hidden, model->head(), ids.slice(0, 1),
                                                  at::ones({ids.size(0) - 1}));
  loss.backward();
  const auto embedding = model->base_parameters().front();
  EXPECT_LT(
      relative_difference(embedding.tensor.grad(), golden["gradient/model.embed_tokens.weight"]),
      kGradientTolerance);
}

}  // namespace
}  // namespace tunewright::model

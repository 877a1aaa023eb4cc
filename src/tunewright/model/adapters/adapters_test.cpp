#include "tunewright/model/adapters/adapters.h"

#include <ATen/ATen.h>

#include "tunewright/model/golden_test.h"

namespace tunewright::model {
namespace {

class Adapters : public ::testing::Test {
 protected:
  const GoldenModel golden_ = GoldenModel::load("llama");
  const std::filesystem::path peft_ = testing::source_path("tests/golden/adapter_llama");
  const at::Tensor ids_ = golden_["ids/0"];
};

TEST_F(Adapters, PeftAdapterGivesPeftsLogits) {
  const auto model = golden_.model();
  load_adapter(*model, peft_);
  EXPECT_LT(relative_difference(logits_of(*model, ids_), golden_["adapter/logits"]),
            kLogitTolerance);
}

TEST_F(Adapters, PeftAdapterGivesPeftsGradients) {
  const auto model = golden_.model();
  prepare_for_training(*model, {.path = peft_.string()}, 1);
  next_token_loss(*model, ids_).backward();
  int64_t compared = 0;
  for (const auto& parameter : model->trainable_parameters()) {
    const auto expected = golden_.tensors.find("adapter/gradient/" + parameter.name);
    if (expected == golden_.tensors.end()) continue;
    EXPECT_LT(relative_difference(parameter.tensor.grad(), expected->second), 5e-5)
        << parameter.name;
    ++compared;
  }
  EXPECT_EQ(compared, 4);
  for (const auto& parameter : model->base_parameters())
    EXPECT_FALSE(parameter.tensor.grad().defined()) << parameter.name;
}

TEST_F(Adapters, FreshAdapterIsTheBase) {
  const auto model = golden_.model();
  const auto base = logits_of(*model, ids_);
  prepare_for_training(*model, {}, 3);
  EXPECT_TRUE(has_adapter(*model));
  EXPECT_TRUE(logits_of(*model, ids_).equal(base));
}

TEST_F(Adapters, SwitchedOffIsTheBase) {
  const auto model = golden_.model();
  const auto base = logits_of(*model, ids_);
  load_adapter(*model, peft_);
  const auto adapted = logits_of(*model, ids_);
  set_adapter_enabled(*model, false);
  EXPECT_TRUE(logits_of(*model, ids_).equal(base));
  set_adapter_enabled(*model, true);
  EXPECT_TRUE(logits_of(*model, ids_).equal(adapted));
}

TEST_F(Adapters, MergedIsTheAdapter) {
  const auto model = golden_.model();
  load_adapter(*model, peft_);
  merge_adapter(*model);
  EXPECT_FALSE(has_adapter(*model));
  EXPECT_LT(relative_difference(logits_of(*model, ids_), golden_["adapter/logits"]),
            kLogitTolerance);
}

TEST_F(Adapters, SavedAndLoadedIsTheSame) {
  testing::TemporaryFolder folder;
  const auto model = golden_.model();
  load_adapter(*model, peft_);
  save_adapter(*model, folder / "adapter", "llama");
  const auto again = golden_.model();
  load_adapter(*again, folder / "adapter");
  EXPECT_TRUE(logits_of(*again, ids_).equal(logits_of(*model, ids_)));
  const auto written =
      read_weights(folder / "adapter/adapter_model.safetensors", at::ScalarType::Undefined);
  const auto original =
      read_weights(peft_ / "adapter_model.safetensors", at::ScalarType::Undefined);
  ASSERT_EQ(written.size(), original.size());
  for (const auto& [name, tensor] : original) EXPECT_TRUE(written.at(name).equal(tensor)) << name;
}

TEST_F(Adapters, InitialisationIsPeftsDistributionAndAFunctionOfTheSeed) {
  const auto weights = [&](uint64_t seed) {
    const auto model = golden_.model();
    prepare_for_training(*model, {.r = 64}, seed);
    std::vector<at::Tensor> list;
    for (const auto& parameter : model->trainable_parameters())
      list.push_back(parameter.tensor.detach());
    return list;
  };
  const auto first = weights(1), same = weights(1), other = weights(2);
  ASSERT_EQ(first.size(), 28u);
  EXPECT_TRUE(first[0].equal(same[0]));
  EXPECT_FALSE(first[0].equal(other[0]));
  EXPECT_FALSE(first[0].equal(first[2]));
  const double bound = 1.0 / std::sqrt(32.0);  // Kaiming-uniform with a = sqrt(5)
  EXPECT_LE(first[0].abs().max().item<double>(), bound);
  EXPECT_NEAR(first[0].std().item<double>(), bound / std::sqrt(3.0), 0.05 * bound);  // 2,048 draws
  EXPECT_TRUE(first[1].eq(0).all().item<bool>());
}

std::vector<std::string> trainable_names(CausalLm& model) {
  std::vector<std::string> names;
  for (const auto& parameter : model.trainable_parameters()) names.push_back(parameter.name);
  return names;
}

TEST_F(Adapters, TargetsAreNamedByListOrPattern) {
  const auto by_list = golden_.model();
  prepare_for_training(*by_list, {.target_modules = {"q_proj", "v_proj"}}, 1);
  EXPECT_EQ(trainable_names(*by_list).size(), 8u);
  const auto by_pattern = golden_.model();
  prepare_for_training(*by_pattern, {.target_modules = ".*layers\\.1\\..*(up|down)_proj"}, 1);
  EXPECT_EQ(
      trainable_names(*by_pattern),
      (std::vector<std::string>{"base_model.model.model.layers.1.mlp.up_proj.lora_A.weight",
                                "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight",
                                "base_model.model.model.layers.1.mlp.down_proj.lora_A.weight",
                                "base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"}));
}

TEST_F(Adapters, FreezeTrainsTheLastLayersTheNormAndTheHead) {
  const auto model = golden_.model();
  prepare_for_training(*model, {.type = AdapterType::kFreeze, .trainable_layers = 1}, 1);
  const auto names = trainable_names(*model);
  EXPECT_EQ(names.size(),
            2u + 14u + 2u);  // two norms; seven weights and seven biases; final norm and head
  for (const auto& name : names)
    EXPECT_TRUE(name.starts_with("model.layers.1.") || name == "model.norm.weight" ||
                name == "lm_head.weight")
        << name;
}

TEST_F(Adapters, BadRequestsAreNamed) {
  const auto prepare = [&](const AdapterOptions& options) {
    prepare_for_training(*golden_.model(), options, 1);
  };
  EXPECT_USER_ERROR(prepare({.target_modules = {"query"}}),
                    "'query' names no layer of this model; known: all-linear, q_proj, k_proj");
  EXPECT_USER_ERROR(prepare({.target_modules = "none_of_them"}),
                    "adapter.target_modules names no layer of this model");
  EXPECT_USER_ERROR(prepare({.target_modules = 7}),
                    "expected all-linear, a pattern or a list of layer names, got 7");
  EXPECT_USER_ERROR(prepare({.r = 0}), "adapter.r: must be at least 1, got 0");
  EXPECT_USER_ERROR(prepare({.lora_dropout = 1.0}),
                    "adapter.lora_dropout: must be in [0, 1), got 1");
  EXPECT_USER_ERROR(prepare({.type = AdapterType::kFreeze, .trainable_layers = 3}),
                    "must be from 1 to 2, the model's layers, got 3");
  EXPECT_USER_ERROR(prepare({.type = AdapterType::kNone, .path = peft_.string()}),
                    "starting from an adapter needs adapter.type lora");
}

TEST_F(Adapters, AdapterOfAnotherModelIsRefused) {
  const auto qwen = GoldenModel::load("qwen3").model();  // its heads are wider
  EXPECT_USER_ERROR(load_adapter(*qwen, peft_),
                    "has the shape [32, 2]; the model and adapter_config.json ask for [64, 2]");
}

}  // namespace
}  // namespace tunewright::model

#include <ATen/ATen.h>

#include "tunewright/model/causal_lm.h"
#include "tunewright/model/golden_test.h"
#include "tunewright/model/kv_cache.h"

namespace tunewright::model {
namespace {

class Golden : public ::testing::TestWithParam<const char*> {
 protected:
  const GoldenModel golden_ = GoldenModel::load(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         ::testing::Values("llama", "llama_tied_linear", "llama_dynamic",
                                           "llama_llama3", "llama_yarn", "llama_yarn_mscale",
                                           "mistral", "qwen2", "qwen3"),
                         [](const auto& case_info) { return std::string(case_info.param); });

TEST_P(Golden, LogitsAreThoseOfTransformers) {
  const auto model = golden_.model();
  for (const char* i : {"0", "1"}) {
    const auto expected = golden_[str("logits/", i)];
    EXPECT_LT(relative_difference(logits_of(*model, golden_[str("ids/", i)]), expected),
              kLogitTolerance);
  }
}

TEST_P(Golden, GreedyContinuationIsThatOfTransformers) {
  const auto model = golden_.model();
  KvCache cache;
  auto next = golden_["ids/0"].slice(0, 0, 5);
  for (int64_t i = 0; i < golden_["greedy"].size(0); ++i) {
    next = model->logits(model->hidden_cached(next, cache).slice(0, -1)).argmax(-1);
    ASSERT_EQ(next.item<int64_t>(), golden_["greedy"][i].item<int64_t>()) << "token " << i;
  }
}

TEST_P(Golden, PackedEqualsUnpacked) {
  if (golden_.config.contains("max_position_embeddings") &&
      golden_.config["max_position_embeddings"] == 12) {
    return;  // dynamic scaling is a function of the longest sequence of a pass, in transformers too
  }
  const auto model = golden_.model();
  const at::NoGradGuard no_grad;
  const auto first = golden_["ids/0"], second = golden_["ids/1"];
  const auto packed = model->hidden(pack({second, first, second}));
  // Row blocks of a product may be summed in another order at another row count.
  EXPECT_LT(relative_difference(packed.slice(0, 0, 9), model->hidden(pack({second}))),
            kLogitTolerance);
  EXPECT_LT(relative_difference(packed.slice(0, 9, 33), model->hidden(pack({first}))),
            kLogitTolerance);
  EXPECT_LT(relative_difference(packed.slice(0, 33), packed.slice(0, 0, 9)), kLogitTolerance);
}

TEST_P(Golden, CachedEqualsFull) {
  const auto model = golden_.model();
  const at::NoGradGuard no_grad;
  const bool dynamic = std::string(GetParam()) == "llama_dynamic";
  const auto ids = dynamic
                       ? golden_["ids/1"]
                       : golden_["ids/0"];  // beyond the trained length keys keep their old angles
  const auto full = model->hidden(pack({ids}));
  KvCache cache;
  std::vector<at::Tensor> parts;
  for (const auto& [begin, end] : {std::pair{0, 4}, {4, 5}, {5, 8}, {8, 9}})
    parts.push_back(model->hidden_cached(ids.slice(0, begin, end), cache));
  for (int64_t i = 9; i < ids.size(0); ++i)
    parts.push_back(model->hidden_cached(ids.slice(0, i, i + 1), cache));
  EXPECT_EQ(cache.length(), ids.size(0));
  EXPECT_LT(relative_difference(at::cat(parts), full), kLogitTolerance);
  cache.truncate(6);
  EXPECT_LT(
      relative_difference(model->hidden_cached(ids.slice(0, 6, 9), cache), full.slice(0, 6, 9)),
      kLogitTolerance);
}

TEST_P(Golden, BFloat16IsNear) {
  // Eight bits of mantissa through two layers of wide random weights.
  const auto logits = logits_of(*golden_.model(at::kBFloat16), golden_["ids/0"]);
  EXPECT_LT(relative_difference(logits, golden_["logits/0"]), 0.06);
}

TEST_P(Golden, SavedAndLoadedIsTheSame) {
  testing::TemporaryFolder folder;
  const auto model = golden_.model();
  std::filesystem::create_directories(folder / "base");
  write_file_atomic(folder / "base/tokenizer.json", "{}");
  save_causal_lm(*model, folder / "base", folder / "saved");
  EXPECT_TRUE(std::filesystem::exists(folder / "saved/tokenizer.json"));
  const auto loaded = load_causal_lm({.path = (folder / "saved").string()}, silent_reporter());
  EXPECT_EQ(loaded->dtype(), at::kFloat);
  EXPECT_TRUE(logits_of(*loaded, golden_["ids/0"]).equal(logits_of(*model, golden_["ids/0"])));
}

WeightList without(WeightList list, const std::string& name) {
  std::erase_if(list, [&](const auto& entry) { return entry.first == name; });
  return list;
}

TEST(Loading, MissingSurplusAndMisshapenWeightsAreNamed) {
  const auto golden = GoldenModel::load("llama");
  const std::string name = "model.layers.1.mlp.up_proj.weight";
  EXPECT_USER_ERROR(make_causal_lm(golden.config, without(golden.weights(), name), at::kFloat),
                    "no tensor 'model.layers.1.mlp.up_proj.weight'");
  auto surplus = golden.weights();
  surplus.emplace_back("model.layers.2.mlp.up_proj.weight", at::zeros({2, 3}));
  EXPECT_USER_ERROR(make_causal_lm(golden.config, surplus, at::kFloat),
                    "'model.layers.2.mlp.up_proj.weight' [2, 3] is in the weights");
  auto misshapen = without(golden.weights(), name);
  misshapen.emplace_back(name, at::zeros({48, 31}));
  EXPECT_USER_ERROR(make_causal_lm(golden.config, misshapen, at::kFloat),
                    "has the shape [48, 31]; config.json asks for [48, 32]");
}

TEST(Loading, TiedModelWithADifferentHeadKeepsIt) {
  const auto golden = GoldenModel::load("qwen3");
  auto weights = golden.weights();
  weights.emplace_back("lm_head.weight", golden["weight/model.embed_tokens.weight"].clone());
  EXPECT_EQ(make_causal_lm(golden.config, weights, at::kFloat)->base_parameters().back().name,
            "model.norm.weight");
  weights.back().second = weights.back().second + 1;
  EXPECT_EQ(make_causal_lm(golden.config, weights, at::kFloat)->base_parameters().back().name,
            "lm_head.weight");
}

void expect_refused(const std::function<void(Json&)>& change, const std::string& message) {
  const auto golden = GoldenModel::load("llama");
  auto config = golden.config;
  change(config);
  EXPECT_USER_ERROR(make_causal_lm(config, golden.weights(), at::kFloat), message);
}

TEST(Loading, UnsupportedConfigurationsAreRefusedByName) {
  expect_refused([](Json& c) { c["model_type"] = "mamba"; },
                 "architecture \"mamba\" is not known; known: llama, mistral, qwen2, qwen3");
  expect_refused([](Json& c) { c["hidden_act"] = "gelu"; },
                 "hidden_act \"gelu\" is not supported; known: silu");
  expect_refused([](Json& c) { c["rope_scaling"] = {{"type", "longrope"}}; },
                 "rope type \"longrope\" is not known");
  expect_refused([](Json& c) { c["rope_scaling"] = {{"type", "linear"}}; },
                 "rope parameter factor is missing");
  expect_refused([](Json& c) { c["num_key_value_heads"] = 3; },
                 "must be a multiple of num_key_value_heads (3)");
  expect_refused([](Json& c) { c["hidden_size"] = "wide"; },
                 "hidden_size: expected a whole number, got \"wide\"");
  expect_refused([](Json& c) { c["quantization_config"] = {{"bits", 4}}; },
                 "the checkpoint is quantised");
  expect_refused([](Json& c) { c["partial_rotary_factor"] = 0.5; },
                 "partial_rotary_factor 0.5 is not supported");
}

TEST(Loading, FoldersThatAreNoModelAreRefused) {
  testing::TemporaryFolder folder;
  EXPECT_USER_ERROR(load_causal_lm({.path = (folder / "none").string()}, silent_reporter()),
                    "is not a folder; make one with `tunewright pull");
}

}  // namespace
}  // namespace tunewright::model

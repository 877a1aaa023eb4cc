#include "tunewright/model/quantize.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/convert/gguf_blocks.h"
#include "tunewright/model/convert/gguf_to_hf.h"
#include "tunewright/model/golden_test.h"
#include "tunewright/model/kv_cache.h"
#include "tunewright/ops/quantized.h"

namespace tunewright::model {
namespace {

using testing::TemporaryFolder;

// The reference and we round absmax = level * scale + mean once or twice: a unit in the last place
// of numbers as large as the mean, where the difference of the two is small.
constexpr double kAbsmaxTolerance = 1e-6;

class BitsAndBytes : public ::testing::TestWithParam<const char*> {
 protected:
  const at::Tensor& golden(const std::string& name) const {
    return tensors_.at(str(GetParam(), ".", name));
  }
  WeightMap tensors_ = read_weights(testing::source_path("tests/golden/quantized.safetensors"),
                                    at::ScalarType::Undefined);
};
INSTANTIATE_TEST_SUITE_P(Shapes, BitsAndBytes, ::testing::Values("whole", "shared", "partial"),
                         [](const auto& case_info) { return std::string(case_info.param); });

TEST_P(BitsAndBytes, Nf4CodesAndScalesAreEqual) {
  const auto matrix = ops::Nf4Matrix::quantize(golden("matrix"));
  const auto& parts = matrix->parts();
  const auto& codes = golden("nf4.codes");  // ours end with a whole block
  EXPECT_TRUE(parts.codes.slice(0, 0, codes.numel()).equal(codes));
  EXPECT_TRUE(parts.absmax_codes.equal(golden("nf4.absmax_codes")));
  EXPECT_TRUE(parts.absmax_scales.equal(golden("nf4.absmax_scales")));
  EXPECT_EQ(parts.absmax_mean, golden("nf4.absmax_mean").item<float>());
  const auto values = ops::decoded_rows(*matrix, 0, matrix->rows());
  EXPECT_LT(largest_difference(values, golden("nf4.values")), kAbsmaxTolerance);
  EXPECT_LT(largest_difference(ops::plain::dequantize(*matrix), golden("nf4.values")),
            kAbsmaxTolerance);
}

TEST_P(BitsAndBytes, Int8CodesAndScalesAreEqual) {
  const auto matrix = ops::Int8Matrix::quantize(golden("matrix"));
  EXPECT_TRUE(matrix->parts().codes.equal(golden("int8.codes")));
  EXPECT_TRUE(matrix->parts().absmax.equal(golden("int8.absmax")));
  // code * (absmax / 127) and (code * absmax) / 127 are rounded in another order.
  EXPECT_LT(
      relative_difference(ops::decoded_rows(*matrix, 0, matrix->rows()), golden("int8.values")),
      3e-7);
}

TEST(BitsAndBytesTables, LevelsAreEqual) {
  const auto tensors = read_weights(testing::source_path("tests/golden/quantized.safetensors"),
                                    at::ScalarType::Undefined);
  EXPECT_TRUE(ops::nf4_levels().equal(tensors.at("nf4_levels")));
  EXPECT_TRUE(ops::dynamic_levels().equal(tensors.at("dynamic_levels")));
}

class QuantizedModel : public ::testing::TestWithParam<Quantization> {
 protected:
  std::unique_ptr<CausalLm> quantized(at::ScalarType dtype = at::kFloat) const {
    return make_causal_lm(golden_.config, golden_.weights(), dtype,
                          linear_storage(GetParam(), dtype, {}));
  }
  // A dense model of the numbers that the quantised one stands for.
  std::unique_ptr<CausalLm> dequantized() const {
    const auto model = quantized();
    auto weights = golden_.weights();
    for (auto& [name, tensor] : weights) {
      for (const auto* linear : model->linears()) {
        if (linear->name + ".weight" == name) tensor = linear->weight.dequantized();
      }
    }
    return make_causal_lm(golden_.config, std::move(weights), at::kFloat);
  }
  const GoldenModel golden_ = GoldenModel::load("llama");
};
INSTANTIATE_TEST_SUITE_P(Formats, QuantizedModel,
                         ::testing::Values(Quantization::kInt8, Quantization::kNf4),
                         [](const auto& case_info) {
                           return case_info.param == Quantization::kNf4 ? "nf4" : "int8";
                         });

TEST_P(QuantizedModel, LogitsAreThoseOfTheDequantisedModel) {
  const auto model = quantized();
  const auto expected = logits_of(*dequantized(), golden_["ids/0"]);
  EXPECT_LT(relative_difference(logits_of(*model, golden_["ids/0"]), expected), kLogitTolerance);
  // Eight bits like bfloat16's (BFloat16IsNear) through two layers of wide random weights, which
  // four bits do not survive: what nf4 costs a trained model is in docs/numerics.md.
  if (GetParam() == Quantization::kInt8) {
    EXPECT_LT(relative_difference(expected, golden_["logits/0"]), 0.06);
  }
}

TEST_P(QuantizedModel, CachedTokensAreThoseOfTheWholePass) {
  const auto model = quantized();
  const at::NoGradGuard no_grad;
  const auto ids = golden_["ids/0"];
  const auto full = model->hidden(pack({ids}));
  KvCache cache;
  std::vector<at::Tensor> parts = {model->hidden_cached(ids.slice(0, 0, 9), cache)};
  for (int64_t i = 9; i < ids.size(0); ++i)
    parts.push_back(model->hidden_cached(ids.slice(0, i, i + 1), cache));
  EXPECT_LT(relative_difference(at::cat(parts), full), kLogitTolerance);
}

std::vector<at::Tensor> lora_gradients(CausalLm& model, const at::Tensor& ids,
                                       bool checkpointing = false) {
  prepare_for_training(model, {.r = 4, .lora_dropout = 0.1}, 5);
  for (const auto& parameter : model.trainable_parameters()) {
    // B is zero at first, and then A has no gradient.
    if (parameter.name.ends_with("lora_B.weight")) parameter.tensor.detach().fill_(0.02);
  }
  model.set_checkpointed_blocks(checkpointing ? 2 : 0);
  model.set_training(true, 99);
  next_token_loss(model, ids).backward();
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : model.trainable_parameters())
    gradients.push_back(parameter.tensor.grad());
  return gradients;
}

TEST_P(QuantizedModel, LoraGradientsAreThoseOfTheDequantisedModel) {
  const auto got = lora_gradients(*quantized(), golden_["ids/0"]);
  const auto expected = lora_gradients(*dequantized(), golden_["ids/0"]);
  ASSERT_EQ(got.size(), expected.size());
  ASSERT_EQ(got.size(), 28U);
  // Sums over all tokens of float32 products, in another order.
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_LT(relative_difference(got[i], expected[i]), 1e-5) << i;
}

TEST_P(QuantizedModel, CheckpointingLeavesGradientsBitEqual) {
  const auto kept = lora_gradients(*quantized(), golden_["ids/0"]);
  const auto recomputed = lora_gradients(*quantized(), golden_["ids/0"], true);
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(kept[i].equal(recomputed[i])) << i;
}

TEST_P(QuantizedModel, OnlyLinearLayersAreQuantised) {
  const auto model = quantized(at::kBFloat16);
  int64_t numbers = 0;
  for (const auto* linear : model->linears()) {
    EXPECT_TRUE(linear->weight.is_quantized()) << linear->name;
    numbers += linear->weight.size(0) * linear->weight.size(1);
  }
  EXPECT_EQ(quantized_size(*model).numbers, numbers);
  EXPECT_EQ(quantized_size(*golden_.model()).numbers, 0);
  std::vector<std::string> names;
  for (const auto& parameter : model->base_parameters()) {
    EXPECT_EQ(parameter.tensor.scalar_type(), at::kBFloat16);
    EXPECT_FALSE(parameter.name.ends_with("proj.weight"));
    names.push_back(parameter.name);
  }
  EXPECT_EQ(names.front(), "model.embed_tokens.weight");
  EXPECT_EQ(names.back(), "lm_head.weight");
}

TEST_P(QuantizedModel, AdapterIsSavedAsPeftAndGoesOntoTheDenseModel) {
  TemporaryFolder folder;
  const auto model = quantized();
  lora_gradients(*model, golden_["ids/0"]);
  model->set_training(false, 0);
  save_adapter(*model, folder / "adapter", "base");
  const auto onto = [&](std::unique_ptr<CausalLm> base) {
    load_adapter(*base, folder / "adapter");
    return base;
  };
  const auto again = logits_of(*onto(quantized()), golden_["ids/0"]);
  EXPECT_TRUE(again.equal(logits_of(*model, golden_["ids/0"])));
  const auto dense = onto(golden_.model());
  const auto adapted = logits_of(*dense, golden_["ids/0"]);
  merge_adapter(*dense);
  EXPECT_LT(relative_difference(logits_of(*dense, golden_["ids/0"]), adapted), kLogitTolerance);
}

TEST_P(QuantizedModel, WhatNeedsDenseWeightsIsRefused) {
  TemporaryFolder folder;
  EXPECT_USER_ERROR(prepare_for_training(*quantized(), {.type = AdapterType::kNone}, 1),
                    "model.quantization: quantised weights are frozen; set adapter.type: lora");
  EXPECT_USER_ERROR(prepare_for_training(*quantized(), {.type = AdapterType::kFreeze}, 1),
                    "quantised weights are frozen");
  EXPECT_USER_ERROR(save_causal_lm(*quantized(), folder.path(), folder / "out"),
                    "a quantised model is not written as a model folder");
  const auto adapted = quantized();
  prepare_for_training(*adapted, {}, 1);
  EXPECT_USER_ERROR(merge_adapter(*adapted), "a quantised base cannot take the adapter's update");
}

TEST(QuantizedLoading, FromAFolderQuantisesTheStoredNumbers) {
  TemporaryFolder folder;
  const auto golden = GoldenModel::load("llama");
  std::filesystem::create_directories(folder / "base");
  save_causal_lm(*golden.model(), folder / "base", folder / "saved");
  const auto load = [&](DTypeChoice dtype, Quantization quantization) {
    return load_causal_lm(
        {.path = (folder / "saved").string(), .dtype = dtype, .quantization = quantization},
        silent_reporter());
  };
  const auto narrow = load(DTypeChoice::kBFloat16, Quantization::kNf4),
             wide = load(DTypeChoice::kFloat32, Quantization::kNf4);
  EXPECT_EQ(narrow->dtype(), at::kBFloat16);
  for (size_t i = 0; i < wide->linears().size(); ++i) {
    EXPECT_TRUE(
        narrow->linears()[i]->weight.dequantized().equal(wide->linears()[i]->weight.dequantized()));
  }
  EXPECT_USER_ERROR(load(DTypeChoice::kFloat32, Quantization::kGguf),
                    "model.gguf, which is not there; `tunewright pull SOURCE.gguf --keep-gguf");
}

// A file with one layer whose matrices are Q4_K, Q6_K, Q4_0, Q8_0 and Q4_1, q and k in rotary
// pairs.
class GgufModelBlocks : public ::testing::Test {
 protected:
  void SetUp() override {
    convert_gguf(file_, folder_.path(), {.dtype = io::DType::kF32}, silent_reporter());
    std::filesystem::copy_file(file_, folder_ / kGgufFile);
  }
  std::unique_ptr<CausalLm> load(Quantization quantization) const {
    return load_causal_lm({.path = folder_.path().string(), .quantization = quantization},
                          silent_reporter());
  }
  std::filesystem::path file_ = testing::source_path("tests/golden/blocks_llama.gguf");
  TemporaryFolder folder_;
};

TEST_F(GgufModelBlocks, AreTheNumbersOfTheDenseModel) {
  const auto blocks = load(Quantization::kGguf), dense = load(Quantization::kNone);
  const auto stored = blocks->linears(), expected = dense->linears();
  for (size_t i = 0; i < stored.size(); ++i) {
    EXPECT_TRUE(stored[i]->weight.is_quantized()) << stored[i]->name;
    EXPECT_TRUE(stored[i]->weight.dequantized().equal(expected[i]->weight.dense()))
        << stored[i]->name;
  }
  // Between 4.5 bits (Q4_0, Q4_K) and 8.5 bits (Q8_0) a number.
  const auto size = quantized_size(*blocks);
  EXPECT_LT(static_cast<double>(size.bytes), 8.5 / 8 * static_cast<double>(size.numbers));
  const auto ids = at::arange(20, at::kLong);
  EXPECT_LT(relative_difference(logits_of(*blocks, ids), logits_of(*dense, ids)), kLogitTolerance);
}

TEST_F(GgufModelBlocks, TrainLikeTheDenseModel) {
  const auto ids = at::arange(20, at::kLong);
  const auto got = lora_gradients(*load(Quantization::kGguf), ids),
             expected = lora_gradients(*load(Quantization::kNone), ids);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_LT(relative_difference(got[i], expected[i]), 2e-5) << i;  // sums of up to 256 products
}

TEST_F(GgufModelBlocks, OfAnotherModelAreRefused) {
  std::filesystem::remove(folder_ / kGgufFile);
  std::filesystem::copy_file(testing::source_path("tests/golden/tiny_llama.gguf"),
                             folder_ / kGgufFile);
  EXPECT_USER_ERROR(load(Quantization::kGguf), "so it is of another model");
}

}  // namespace
}  // namespace tunewright::model

#include "tunewright/model/size.h"

#include <ATen/ATen.h>

#include "tunewright/base/test.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/golden_test.h"

namespace tunewright::model {
namespace {

int64_t count(const std::vector<Parameter>& parameters) {
  int64_t total = 0;
  for (const auto& parameter : parameters) total += parameter.tensor.numel();
  return total;
}

class Size : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    save_causal_lm(*GoldenModel::load(GetParam()).model(), folder_.path(), folder_ / "model");
  }
  ModelOptions options() const { return {.path = (folder_ / "model").string()}; }

 private:
  tunewright::testing::TemporaryFolder folder_;
};

TEST_P(Size, CountsWhatLoadingFinds) {
  const AdapterOptions adapter{.r = 4, .lora_alpha = 8};
  const auto size = model_size(options(), adapter);
  const auto model = load_causal_lm(options(), silent_reporter());
  EXPECT_EQ(size.total(), count(model->base_parameters()));
  prepare_for_training(*model, adapter, 1);
  EXPECT_EQ(size.blocks * size.block_lora, count(model->trainable_parameters()));
}

TEST_P(Size, TheFirstBlocksAreAModelOfTheirOwn) {
  auto first = options();
  first.first_blocks = 1;
  const auto size = model_size(options(), {});
  const auto model = load_causal_lm(first, silent_reporter());
  EXPECT_EQ(count(model->base_parameters()), size.total() - (size.blocks - 1) * size.block());
}

INSTANTIATE_TEST_SUITE_P(Architectures, Size,
                         ::testing::Values("llama", "llama_tied_linear", "mistral", "qwen2",
                                           "qwen3"));

TEST(SizeOf, QuantisedMatricesTakeFewerBytes) {
  ModelSize size{.blocks = 2, .embedding = 100, .block_matrix = 50, .block_other = 5, .outside = 1};
  EXPECT_EQ(size.weight_bytes(), 4 * (100 + 1 + 2 * 55));
  size.matrix_bytes = 0.5;
  EXPECT_EQ(size.weight_bytes(), 4 * (100 + 1 + 2 * 5) + 2 * 50 * 0.5);
}

TEST(BlockOf, ReadsTheNumber) {
  EXPECT_EQ(block_of("model.layers.12.mlp.up_proj.weight"), 12);
  EXPECT_EQ(block_of("model.norm.weight"), std::nullopt);
  EXPECT_EQ(block_of("model.layers.x.weight"), std::nullopt);
}

}  // namespace
}  // namespace tunewright::model

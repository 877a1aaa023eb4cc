#include "tunewright/train/train_fixture.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"

namespace tunewright::train {
namespace {

constexpr int64_t kHidden = 16, kInner = 24, kVocabulary = 32, kLayers = 2;

at::Tensor random_matrix(int64_t rows, int64_t columns, Random& random) {
  auto matrix = at::empty({rows, columns}, at::kFloat);
  auto* values = matrix.mutable_data_ptr<float>();
  for (int64_t i = 0; i < matrix.numel(); ++i)
    values[i] = static_cast<float>(0.2 * random.normal());
  return matrix;
}

}  // namespace

std::unique_ptr<model::CausalLm> tiny_model(at::ScalarType dtype) {
  const Json config = {{"model_type", "llama"},         {"architectures", {"LlamaForCausalLM"}},
                       {"hidden_size", kHidden},        {"intermediate_size", kInner},
                       {"num_hidden_layers", kLayers},  {"num_attention_heads", 4},
                       {"num_key_value_heads", 2},      {"vocab_size", kVocabulary},
                       {"max_position_embeddings", 64}, {"rms_norm_eps", 1e-5},
                       {"rope_theta", 10000.0},         {"hidden_act", "silu"},
                       {"tie_word_embeddings", true}};
  Random random(7);
  std::vector<std::pair<std::string, at::Tensor>> weights;
  const auto add = [&](const std::string& name, at::Tensor tensor) {
    weights.emplace_back(name, tensor.to(dtype));
  };
  add("model.embed_tokens.weight", random_matrix(kVocabulary, kHidden, random));
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    const auto prefix = str("model.layers.", layer, ".");
    add(prefix + "input_layernorm.weight", at::ones({kHidden}));
    add(prefix + "self_attn.q_proj.weight", random_matrix(kHidden, kHidden, random));
    add(prefix + "self_attn.k_proj.weight", random_matrix(kHidden / 2, kHidden, random));
    add(prefix + "self_attn.v_proj.weight", random_matrix(kHidden / 2, kHidden, random));
    add(prefix + "self_attn.o_proj.weight", random_matrix(kHidden, kHidden, random));
    add(prefix + "post_attention_layernorm.weight", at::ones({kHidden}));
    add(prefix + "mlp.gate_proj.weight", random_matrix(kInner, kHidden, random));
    add(prefix + "mlp.up_proj.weight", random_matrix(kInner, kHidden, random));
    add(prefix + "mlp.down_proj.weight", random_matrix(kHidden, kInner, random));
  }
  add("model.norm.weight", at::ones({kHidden}));
  return model::make_causal_lm(config, std::move(weights), dtype);
}

data::Dataset tiny_dataset(int64_t rows, uint64_t seed) {
  Random random(seed);
  data::Dataset dataset;
  dataset.file_weights = {1.0};
  dataset.sha256 = str("rows ", rows, " seed ", seed);
  for (int64_t row = 0; row < rows; ++row) {
    data::Example example{.row = row};
    const auto length = 3 + random.below(7);
    for (uint64_t i = 0; i < length; ++i) {
      example.ids.push_back(static_cast<int32_t>(random.below(kVocabulary)));
      example.labels.push_back(i < length / 3 ? data::kIgnoreLabel : example.ids.back());
    }
    dataset.ledger.push_back({.source = "rows.jsonl", .row = row, .decision = "kept"});
    dataset.examples.push_back(example);
  }
  return dataset;
}

data::Dataset changed(const data::Dataset& dataset,
                      const std::function<void(size_t, data::Example&)>& change) {
  data::Dataset copy;
  copy.file_weights = dataset.file_weights;
  copy.sha256 = dataset.sha256;
  for (size_t i = 0; i < dataset.examples.size(); ++i) {
    auto example = dataset.examples[i];
    change(i, example);
    copy.examples.push_back(example);
    copy.ledger.push_back(dataset.ledger[i]);
  }
  return copy;
}

void StoppingReporter::progress(std::string_view label, int64_t done, int64_t, std::string_view,
                                std::string_view) {
  if (label == "training" && done == stop_after_) request_stop();
}

Trained train_in(const std::filesystem::path& folder, const Setting& setting, bool resume,
                 int64_t stop_after) {
  using observe::RunFolder;
  at::set_num_threads(1);  // the tensors are too small to share
  clear_stop_request();
  auto model = tiny_model(setting.dtype);
  model::prepare_for_training(*model, setting.adapter,
                              static_cast<uint64_t>(setting.training.seed));
  if (setting.change_model) setting.change_model(*model);
  auto train = tiny_dataset(setting.train_rows, 1);
  if (setting.change_train_rows) setting.change_train_rows(train);
  const auto eval = tiny_dataset(setting.eval_rows, 2);
  auto run = RunFolder::open(folder, resume ? RunFolder::Mode::kResume : RunFolder::Mode::kNew);
  StoppingReporter reporter(stop_after);
  Trainer trainer({.model = *model,
                   .train = train,
                   .eval = setting.eval_rows > 0 ? &eval : nullptr,
                   .run = run,
                   .reporter = reporter},
                  setting.data, setting.training);
  const auto result = trainer.run(resume);
  clear_stop_request();
  Trained trained{.result = result, .metrics = run.read_metrics(), .said = reporter.said};
  for (const auto& parameter : model->trainable_parameters()) {
    trained.weights.emplace_back(parameter.name, parameter.tensor.detach().clone());
  }
  trained.model = std::move(model);
  return trained;
}

std::vector<double> column(const std::vector<Json>& metrics, const char* key) {
  std::vector<double> values;
  for (const auto& line : metrics) {
    if (line.contains(key) && !line[key].is_null()) values.push_back(line[key].get<double>());
  }
  return values;
}

Setting full_setting() {
  Setting setting;
  setting.training = {.max_steps = 9,
                      .per_device_train_batch_size = 2,
                      .gradient_accumulation_steps = 2,
                      .tokens_per_pass = 16,
                      .learning_rate = 1e-2,
                      .eval_steps = 2,
                      .save_steps = 3};
  setting.data = {.max_length = 16, .packing = true, .shuffle = true};
  setting.adapter.lora_dropout = 0.2;
  setting.eval_rows = 5;
  return setting;
}

void expect_same_bits(const Trained& a, const Trained& b) {
  for (const auto* key : {"loss", "grad_norm", "learning_rate", "tokens", "supervised_tokens",
                          "epoch", "eval_loss"}) {
    EXPECT_EQ(column(a.metrics, key), column(b.metrics, key)) << key;
  }
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (size_t i = 0; i < a.weights.size(); ++i)
    EXPECT_TRUE(a.weights[i].second.equal(b.weights[i].second)) << a.weights[i].first;
}

}  // namespace tunewright::train

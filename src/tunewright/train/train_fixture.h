#pragma once
// What the tests of training share: a tiny Llama, tiny data sets, a reporter that can stop a run.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/data/dataset.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/trainer.h"

namespace tunewright::train {

// Two blocks of width 16 over 32 tokens, random weights that are always the same.
std::unique_ptr<model::CausalLm> tiny_model(at::ScalarType dtype = at::kFloat);

// `rows` examples of 3 to 9 tokens, the first third of each not supervised; the same seed gives the
// same.
data::Dataset tiny_dataset(int64_t rows, uint64_t seed);

// The same data set after `change` has had each example, by its index.
data::Dataset changed(const data::Dataset& dataset,
                      const std::function<void(size_t, data::Example&)>& change);

// Remembers what was said, and asks the run to stop after a step.
class StoppingReporter : public Reporter {
 public:
  explicit StoppingReporter(int64_t stop_after = 0) : stop_after_(stop_after) {}
  void progress(std::string_view label, int64_t done, int64_t, std::string_view,
                std::string_view) override;
  void finish_progress() override {}
  void info(std::string_view message) override { said.emplace_back(message); }
  void warn(std::string_view message) override { said.emplace_back(message); }
  std::vector<std::string> said;

 private:
  int64_t stop_after_;
};

struct Setting {
  TrainOptions training;
  data::DataOptions data;
  model::AdapterOptions adapter = {.r = 4, .lora_alpha = 8};
  at::ScalarType dtype = at::kFloat;
  int64_t train_rows = 12, eval_rows = 0;
  std::function<void(model::CausalLm&)> change_model;  // before training starts
  std::function<void(data::Dataset&)> change_train_rows;
};

struct Trained {
  TrainResult result;
  std::vector<Json> metrics;
  std::vector<std::pair<std::string, at::Tensor>> weights;  // what trained
  std::vector<std::string> said;
  std::unique_ptr<model::CausalLm> model;
};

// A whole `train` or, with `resume`, its continuation; a fresh process in all but name.
Trained train_in(const std::filesystem::path& folder, const Setting& setting, bool resume = false,
                 int64_t stop_after = 0);

// Losses (or another key) of the logged steps.
std::vector<double> column(const std::vector<Json>& metrics, const char* key);

// Order, packing, dropout, accumulation, evaluation: all that could make a continuation differ.
Setting full_setting();

// Losses, norms, rates, counts and weights are equal.
void expect_same_bits(const Trained& a, const Trained& b);

}  // namespace tunewright::train

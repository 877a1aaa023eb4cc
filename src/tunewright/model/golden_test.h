#pragma once
// The tiny models of tools/golden/models.py.
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/weights.h"

namespace tunewright::model {

// Every product is a sum of at most some hundred float32 terms, in another order than
// transformers'.
constexpr double kLogitTolerance = 1e-5;

struct GoldenModel {
  Json config;
  WeightMap tensors;

  static GoldenModel load(const std::string& name) {
    const auto path = testing::source_path("tests/golden/model_" + name);
    return {read_json(path.string() + ".json")["config"],
            read_weights(path.string() + ".safetensors", at::ScalarType::Undefined)};
  }
  const at::Tensor& operator[](const std::string& name) const { return tensors.at(name); }

  WeightList weights() const {
    WeightList list;
    for (const auto& [name, tensor] : tensors) {
      if (name.starts_with("weight/")) list.emplace_back(name.substr(7), tensor);
    }
    return list;
  }
  std::unique_ptr<CausalLm> model(at::ScalarType dtype = at::kFloat) const {
    return make_causal_lm(config, weights(), dtype);
  }
};

inline PackedInput pack(const std::vector<at::Tensor>& sequences) {
  PackedInput input{.ids = at::cat(sequences), .positions = {}, .offsets = {0}};
  std::vector<at::Tensor> positions;
  for (const auto& sequence : sequences) {
    positions.push_back(at::arange(sequence.size(0), at::kLong));
    input.offsets.push_back(input.offsets.back() + sequence.size(0));
  }
  input.positions = at::cat(positions);
  return input;
}

inline at::Tensor logits_of(CausalLm& model, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  return model.logits(model.hidden(pack({ids})));
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// Relative to the largest number of `expected`.
inline double relative_difference(const at::Tensor& got, const at::Tensor& expected) {
  return largest_difference(got, expected) / std::max(expected.abs().max().item<double>(), 1e-6);
}

// Next-token loss of one sequence, summed.
inline at::Tensor next_token_loss(CausalLm& model, const at::Tensor& ids) {
  const auto logits = model.logits(model.hidden(pack({ids}))).slice(0, 0, -1);
  return -logits.log_softmax(-1).gather(1, ids.slice(0, 1).unsqueeze(1)).sum();
}

}  // namespace tunewright::model

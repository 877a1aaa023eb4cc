#include "tunewright/train/doctor.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tunewright/base/str.h"
#include "tunewright/train/passes.h"

namespace tunewright::train {
namespace {

bool all_finite(const at::Tensor& x) { return at::isfinite(x).all().item<bool>(); }

std::string kind_of(const at::Tensor& x) {
  return at::isnan(x).any().item<bool>() ? "not a number" : "infinite";
}

std::string describe(std::string_view what, const at::Tensor& x) {
  return str(what, " (", dtype_word(x.scalar_type()), ") is ", kind_of(x));
}

// Of an output, whose first axis is the tokens of the batch, the rows of the file that are not
// finite.
std::vector<int64_t> rows_with_bad_tokens(const at::Tensor& x, const data::Batch& batch) {
  const auto finite = at::isfinite(x).reshape({x.size(0), -1}).all(1).cpu();  // [N]
  std::vector<int64_t> rows;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    if (!finite.slice(0, batch.offsets[i], batch.offsets[i + 1]).all().item<bool>())
      rows.push_back(batch.rows[i]);
  }
  return rows;
}

// Each of them alone, from the hidden states that the pass has.
std::vector<RowLoss> losses_of_rows(const model::CausalLm& model, Objective objective,
                                    const at::Tensor& hidden, const data::Batch& batch) {
  const at::NoGradGuard no_grad;
  std::vector<RowLoss> losses;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    data::Batch alone;
    std::ranges::copy_if(batch.targets, std::back_inserter(alone.targets), [&](const auto& target) {
      return target.position >= batch.offsets[i] && target.position < batch.offsets[i + 1];
    });
    if (alone.targets.empty()) continue;
    const auto targets = to_targets(alone, hidden.device());
    const auto sum = objective(hidden.index_select(0, targets.positions), model.head(), targets);
    losses.push_back({batch.rows[i], sum.item<double>() / alone.weight_sum()});
  }
  return losses;
}

void clear_gradients(model::CausalLm& model) {
  for (auto& parameter : model.trainable_parameters()) parameter.tensor.mutable_grad().reset();
}

// Takes the observer and the dropout off the model again.
class ObservedModel {
 public:
  ObservedModel(model::CausalLm& model, uint64_t dropout_seed, model::LayerObserver observer)
      : model_(model) {
    model_.set_training(true, dropout_seed);
    model_.set_observer(std::move(observer));
  }
  ~ObservedModel() { model_.set_observer({}); }
  ObservedModel(const ObservedModel&) = delete;
  ObservedModel& operator=(const ObservedModel&) = delete;

 private:
  model::CausalLm& model_;
};

// The first number that is not finite in one pass.
class Examination {
 public:
  Examination(model::CausalLm& model, Objective objective, const SuspectPass& pass)
      : model_(model), objective_(objective), pass_(pass) {}

  Finding run(double weight) {
    if (pass_.batch.targets.empty()) return {};
    const ObservedModel observed(
        model_, pass_.dropout_seed,
        [this](const std::string& layer, const at::Tensor& output) { see_output(layer, output); });
    const auto device = model_.head().device();
    const auto hidden = model_.hidden(to_input(pass_.batch, device));  // [N, D]
    const auto targets = to_targets(pass_.batch, device);
    const auto sum = objective_(hidden.index_select(0, targets.positions), model_.head(), targets);
    see_loss(sum, hidden);
    if (found()) return finding_;
    sum.backward(at::full_like(sum, 1.0 / weight));
    see_parameters();
    return finding_;
  }

 private:
  bool found() const { return !finding_.where.empty(); }

  void see(const std::string& what, const at::Tensor& x) {
    if (found() || all_finite(x)) return;
    finding_.where = describe(what, x);
    finding_.rows = rows_with_bad_tokens(x, pass_.batch);
  }

  void see_output(const std::string& layer, const at::Tensor& output) {
    see(str("the output of ", layer), output);
    if (!output.requires_grad()) return;
    output.register_hook([this, layer](const at::Tensor& gradient) {
      see(str("the gradient at the output of ", layer), gradient);
    });
  }

  void see_loss(const at::Tensor& sum, const at::Tensor& hidden) {
    if (found() || all_finite(sum)) return;
    finding_.where = describe("the loss behind the output head", sum);
    for (const auto& [row, loss] :
         losses_of_rows(model_, objective_, hidden.detach(), pass_.batch)) {
      if (!std::isfinite(loss)) finding_.rows.push_back(row);
    }
    if (finding_.rows.empty()) finding_.rows = pass_.batch.rows;  // only their sum is too large
  }

  void see_parameters() {
    for (const auto& parameter : model_.trainable_parameters()) {
      const auto& gradient = parameter.tensor.grad();
      if (found() || !gradient.defined() || all_finite(gradient)) continue;
      finding_.where = describe(str("the gradient of ", parameter.name), gradient);
      finding_.rows = pass_.batch.rows;
    }
  }

  model::CausalLm& model_;
  Objective objective_;
  const SuspectPass& pass_;
  Finding finding_;
};

// Where every pass alone is finite, their sum or its norm is too large.
Finding largest_gradient(model::CausalLm& model, std::span<const SuspectPass> passes) {
  std::string name;
  double largest = -1;
  for (const auto& parameter : model.trainable_parameters()) {
    const auto& gradient = parameter.tensor.grad();
    if (!gradient.defined()) continue;
    const double value = at::abs(gradient).max().item<double>();
    if (value <= largest) continue;
    largest = value;
    name = str(parameter.name, " (", dtype_word(gradient.scalar_type()), ")");
  }
  Finding finding{
      .where = str("each pass alone is finite; the largest gradient, ", largest, ", is of ", name)};
  for (const auto& pass : passes)
    finding.rows.insert(finding.rows.end(), pass.batch.rows.begin(), pass.batch.rows.end());
  return finding;
}

void blame_weights(model::CausalLm& model, Finding& finding) {
  auto parameters = model.base_parameters();
  for (auto& parameter : model.trainable_parameters()) parameters.push_back(std::move(parameter));
  for (const auto& parameter : parameters) {
    if (all_finite(parameter.tensor.detach())) continue;
    finding.bad_weight = parameter.tensor.requires_grad() ? Finding::BadWeight::kTrained
                                                          : Finding::BadWeight::kFrozen;
    finding.where += str("; ", describe(str("the weight ", parameter.name), parameter.tensor));
    return;
  }
}

}  // namespace

std::string dtype_word(at::ScalarType dtype) {
  switch (dtype) {
    case at::kFloat:
      return "float32";
    case at::kBFloat16:
      return "bfloat16";
    case at::kHalf:
      return "float16";
    default:
      return c10::toString(dtype);
  }
}

std::vector<RowLoss> row_losses(model::CausalLm& model, Objective objective,
                                const SuspectPass& pass) {
  const at::NoGradGuard no_grad;
  model.set_training(true, pass.dropout_seed);
  const auto hidden = model.hidden(to_input(pass.batch, model.head().device()));  // [N, D]
  auto losses = losses_of_rows(model, objective, hidden, pass.batch);
  std::ranges::stable_sort(losses, std::greater{}, &RowLoss::loss);
  return losses;
}

Finding diagnose(model::CausalLm& model, Objective objective, std::span<const SuspectPass> passes,
                 double weight) {
  clear_gradients(model);
  Finding all;
  for (const auto& pass : passes) {
    auto one = Examination(model, objective, pass).run(weight);
    if (all.where.empty()) all.where = std::move(one.where);
    all.rows.insert(all.rows.end(), one.rows.begin(), one.rows.end());
  }
  if (all.where.empty()) all = largest_gradient(model, passes);
  clear_gradients(model);
  blame_weights(model, all);
  return all;
}

}  // namespace tunewright::train

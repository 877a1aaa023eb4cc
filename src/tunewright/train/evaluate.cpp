#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <vector>

#include "tunewright/ops/side_by_side.h"
#include "tunewright/train/passes.h"
#include "tunewright/train/trainer.h"

namespace tunewright::train {
namespace {

// An evaluation is always split: it has no gradient to keep whole.
constexpr int64_t kDefaultTokens = 2048, kLeastTokensOfAPass = 192;

int64_t passes_at_once(const model::CausalLm& model, int64_t tokens) {
  if (!model.head().is_cpu()) return 1;
  return std::clamp<int64_t>(tokens / kLeastTokensOfAPass, 1, at::get_num_threads());
}

// Losses of some passes, computed side by side.
std::vector<double> loss_sums(model::CausalLm& model, const std::vector<data::Batch>& passes) {
  std::vector<double> sums(passes.size());
  ops::side_by_side(static_cast<int64_t>(passes.size()), [&](int64_t i) {
    const at::NoGradGuard no_grad;
    const auto& pass = passes[static_cast<size_t>(i)];
    if (pass.targets.empty()) return;
    sums[static_cast<size_t>(i)] = loss_sum(model, &supervised_loss_sum, pass).item<double>();
  });
  return sums;
}

// The mean loss of the passes that it is given, in order.
class MeanLoss {
 public:
  explicit MeanLoss(model::CausalLm& model) : model_(model) {}

  void add(const std::vector<data::Batch>& passes) {
    for (const double sum : loss_sums(model_, passes)) sum_ += sum;
    for (const auto& pass : passes) {
      weight_ += pass.weight_sum();
      tokens_ += static_cast<int64_t>(pass.targets.size());
    }
  }
  EvalReport report() const { return {.loss = sum_ / weight_, .tokens = tokens_}; }

 private:
  model::CausalLm& model_;
  double sum_ = 0, weight_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace

EvalReport evaluate(model::CausalLm& model, const data::Dataset& dataset, int64_t tokens_per_pass,
                    Reporter& reporter) {
  const int64_t tokens = tokens_per_pass > 0 ? tokens_per_pass : kDefaultTokens;
  const int64_t at_once = passes_at_once(model, tokens);
  const auto size = static_cast<int64_t>(dataset.examples.size());
  model.set_training(false, 0);
  MeanLoss loss(model);
  std::vector<data::Batch> passes;
  data::for_each_batch(dataset, tokens / at_once, [&](const data::Batch& pass, int64_t done) {
    passes.push_back(pass);
    if (static_cast<int64_t>(passes.size()) < at_once && done < size) return true;
    loss.add(passes);
    passes.clear();
    reporter.progress("evaluating", done, size, "examples", "");
    return true;
  });
  reporter.finish_progress();
  return loss.report();
}

std::optional<EvalReport> evaluate_unless_stopped(model::CausalLm& model,
                                                  const data::Dataset& dataset,
                                                  int64_t tokens_per_pass, Reporter& reporter) {
  try {
    const Stoppable stoppable(model);
    return evaluate(model, dataset, tokens_per_pass, reporter);
  } catch (const StopRequested&) {
    return std::nullopt;
  }
}

}  // namespace tunewright::train

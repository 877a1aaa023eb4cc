#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "tunewright/base/system.h"
#include "tunewright/train/passes.h"
#include "tunewright/train/trainer.h"

namespace tunewright::train {
namespace {

bool never() { return false; }

std::optional<EvalReport> evaluate_until(bool (*stopped)(), model::CausalLm& model,
                                         const data::Dataset& dataset, int64_t tokens_per_pass,
                                         Reporter& reporter) {
  constexpr int64_t kDefaultTokens =
      2048;  // an evaluation is always split: it has no gradient to keep whole
  const at::NoGradGuard no_grad;
  model.set_training(false, 0);
  std::vector<const data::Example*> examples;
  for (const auto& example : dataset.examples) examples.push_back(&example);
  const auto passes =
      split_into_passes(examples, tokens_per_pass > 0 ? tokens_per_pass : kDefaultTokens);
  auto sum = at::zeros({}, model.head().options().dtype(at::kDouble));
  EvalReport report;
  double weight = 0;
  for (size_t i = 0; i < passes.size(); ++i) {
    reporter.progress("evaluating", static_cast<int64_t>(i), static_cast<int64_t>(passes.size()),
                      "passes", "");
    if (stopped()) return std::nullopt;
    if (passes[i].targets.empty()) continue;
    sum += loss_sum(model, &supervised_loss_sum, passes[i]);
    weight += passes[i].weight_sum();
    report.tokens += static_cast<int64_t>(passes[i].targets.size());
  }
  reporter.finish_progress();
  report.loss = sum.item<double>() / weight;
  return report;
}

}  // namespace

EvalReport evaluate(model::CausalLm& model, const data::Dataset& dataset, int64_t tokens_per_pass,
                    Reporter& reporter) {
  return *evaluate_until(&never, model, dataset, tokens_per_pass, reporter);
}

std::optional<EvalReport> evaluate_unless_stopped(model::CausalLm& model,
                                                  const data::Dataset& dataset,
                                                  int64_t tokens_per_pass, Reporter& reporter) {
  return evaluate_until(&stop_requested, model, dataset, tokens_per_pass, reporter);
}

}  // namespace tunewright::train

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
  const at::NoGradGuard no_grad;
  model.set_training(false, 0);
  auto sum = at::zeros({}, model.head().options().dtype(at::kDouble));
  EvalReport report;
  double weight = 0;
  const bool whole = data::for_each_batch(
      dataset, evaluation_pass_tokens(tokens_per_pass), [&](const data::Batch& pass, int64_t done) {
        if (stopped()) return false;
        if (!pass.targets.empty()) {
          sum += loss_sum(model, &supervised_loss_sum, pass);
          weight += pass.weight_sum();
          report.tokens += static_cast<int64_t>(pass.targets.size());
        }
        reporter.progress("evaluating", done, static_cast<int64_t>(dataset.examples.size()),
                          "examples", "");
        return true;
      });
  if (!whole) return std::nullopt;
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

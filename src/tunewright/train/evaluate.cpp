#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tunewright/base/system.h"
#include "tunewright/ops/side_by_side.h"
#include "tunewright/train/passes.h"
#include "tunewright/train/step_gradients.h"
#include "tunewright/train/trainer.h"

namespace tunewright::train {
namespace {

int64_t parts_at_once(const model::CausalLm& model, const data::Batch& pass) {
  if (!model.head().is_cpu()) return 1;
  return parts_side_by_side({.threads = at::get_num_threads(),
                             .rows = double(pass.rows.size()),
                             .tokens = double(pass.tokens())});
}

}  // namespace

double evaluation_loss_sum(model::CausalLm& model, const data::Batch& pass) {
  model.set_training(false, 0);
  const auto parts = data::deal_batch(pass, parts_at_once(model, pass));
  std::vector<double> sums(parts.size());
  ops::side_by_side(std::ssize(parts), [&](int64_t worker) {
    const at::NoGradGuard no_grad;
    const auto i = static_cast<size_t>(worker);
    if (!parts[i].targets.empty())
      sums[i] = loss_sum(model, &supervised_loss_sum, parts[i]).item<double>();
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

EvalReport evaluate(model::CausalLm& model, const data::Dataset& dataset, int64_t tokens_per_pass,
                    Reporter& reporter) {
  EvalReport report;
  double sum = 0, weight = 0;
  data::for_each_batch(
      dataset, evaluation_pass_tokens(tokens_per_pass), [&](const data::Batch& pass, int64_t done) {
        sum += evaluation_loss_sum(model, pass);
        weight += pass.weight_sum();
        report.tokens += static_cast<int64_t>(pass.targets.size());
        reporter.progress("evaluating", done, static_cast<int64_t>(dataset.examples.size()),
                          "examples", "");
        return true;
      });
  reporter.finish_progress();
  report.loss = sum / weight;
  return report;
}

std::optional<EvalReport> evaluate_unless_stopped(model::CausalLm& model,
                                                  const data::Dataset& dataset,
                                                  int64_t tokens_per_pass, Reporter& reporter) {
  try {
    const Stoppable stoppable(model);
    return evaluate(model, dataset, tokens_per_pass, reporter);
  } catch (const Interrupted&) {
    return std::nullopt;
  }
}

}  // namespace tunewright::train

#include "tunewright/train/watch.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/str.h"
#include "tunewright/train/passes.h"

namespace tunewright::train {
namespace {

// "model.layers.0.mlp.up_proj.weight (float32)"
std::string largest_gradient(const std::vector<model::Parameter>& parameters,
                             const std::vector<at::Tensor>& gradients) {
  if (gradients.empty() || gradients.size() != parameters.size()) return "unknown";
  size_t largest = 0;
  double norm = -1;
  for (size_t i = 0; i < gradients.size(); ++i) {
    const double own = at::linalg_vector_norm(gradients[i]).item<double>();
    if (own > norm) largest = i;
    norm = std::max(norm, own);
  }
  return str(parameters[largest].name, " (", dtype_word(gradients[largest].scalar_type()), ")");
}

int64_t count_rows(const std::vector<data::Batch>& passes) {
  int64_t rows = 0;
  for (const auto& pass : passes) rows += static_cast<int64_t>(pass.rows.size());
  return rows;
}

}  // namespace

double StepFigures::loss_sum() const {
  return std::accumulate(pass_losses.begin(), pass_losses.end(), 0.0);
}

double StepFigures::loss() const { return weight > 0 ? loss_sum() / weight : 0.0; }

bool StepFigures::finite() const { return std::isfinite(loss_sum()) && std::isfinite(grad_norm); }

Watch::Watch(model::CausalLm& model, Objective objective, const data::Dataset& dataset,
             int64_t seed)
    : model_(model), objective_(objective), dataset_(dataset), seed_(seed) {}

void Watch::remember(double loss, double grad_norm) {
  losses_.judge(loss);
  norms_.judge(grad_norm);
}

std::optional<std::string> Watch::spike(const StepFigures& figures,
                                        const std::vector<model::Parameter>& parameters,
                                        const std::vector<at::Tensor>& gradients) {
  if (figures.pass_losses.empty()) return std::nullopt;
  const auto of_loss = losses_.judge(figures.loss()), of_norm = norms_.judge(figures.grad_norm);
  if (!of_loss && !of_norm) return std::nullopt;
  const auto what = of_loss ? str("the loss ", figures.loss())
                            : str("the norm of the gradient ", figures.grad_norm);
  const auto& spike = of_loss ? *of_loss : *of_norm;
  return str("step ", figures.step + 1, ": ", what, " is a spike: the median before it is ",
             spike.median, ", the limit ", spike.limit, "; highest in ", highest_rows(figures),
             "; largest gradient: ", largest_gradient(parameters, gradients));
}

std::string Watch::highest_rows(const StepFigures& figures) const {
  constexpr size_t kMost = 3;
  std::vector<RowLoss> rows;
  for (const auto& pass : suspects(figures)) {
    const auto found = row_losses(model_, objective_, pass);
    rows.insert(rows.end(), found.begin(), found.end());
  }
  std::ranges::stable_sort(rows, std::greater{}, &RowLoss::loss);
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(kMost, rows.size()); ++i)
    names.push_back(str(describe_rows({rows[i].row}), " (loss ", fixed(rows[i].loss, 3), ")"));
  return join(names, ", ");
}

Watch::BadStep Watch::examine(const StepFigures& figures) {
  auto finding = diagnose(model_, objective_, suspects(figures), figures.weight);
  const bool loss_finite = std::isfinite(figures.loss_sum());
  const double wrong = loss_finite ? figures.grad_norm : figures.loss_sum();
  const auto what = str(loss_finite ? "the norm of the gradient" : "the loss", " is ",
                        std::isnan(wrong) ? "not a number" : "inf");
  auto said = str("step ", figures.step + 1, ": ", what, ", with the rows ",
                  describe_rows(finding.rows), ": ", finding.where);
  const bool blame = static_cast<int64_t>(finding.rows.size()) < count_rows(figures.passes);
  return {.said = std::move(said), .finding = std::move(finding), .rows_to_blame = blame};
}

// The passes whose own loss is not finite; all of them where every loss is.
std::vector<SuspectPass> Watch::suspects(const StepFigures& figures) const {
  const bool losses_finite = std::isfinite(figures.loss_sum());
  std::vector<SuspectPass> found;
  size_t next_loss = 0;
  for (size_t i = 0; i < figures.passes.size(); ++i) {
    if (figures.passes[i].targets.empty()) continue;
    const bool finite = std::isfinite(figures.pass_losses[next_loss++]);
    if (losses_finite || !finite)
      found.push_back({figures.passes[i], dropout_seed(seed_, figures.step, i)});
  }
  return found;
}

// At most a few, as "train.jsonl row 5".
std::string Watch::describe_rows(const std::vector<int64_t>& rows) const {
  constexpr size_t kMost = 8;
  std::vector<std::string> names;
  for (const auto row : rows) {
    if (names.size() == kMost) break;
    const auto& line = dataset_.ledger.at(static_cast<size_t>(row));
    names.push_back(str(line.source, " row ", line.row));
  }
  const size_t more = rows.size() - names.size();
  return join(names, ", ") + (more > 0 ? str(" and ", more, " more") : "");
}

}  // namespace tunewright::train

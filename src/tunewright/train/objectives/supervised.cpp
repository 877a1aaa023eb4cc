#include "tunewright/ops/ops.h"
#include "tunewright/train/objectives/objective.h"

namespace tunewright::train {

at::Tensor supervised_loss_sum(const at::Tensor& hidden, const at::Tensor& head,
                               const Targets& targets) {
  return ops::linear_cross_entropy_sum(hidden, head, targets.labels, targets.weights);
}

Objective objective_of(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kSft:
    case ObjectiveKind::kText:
      return &supervised_loss_sum;  // text rows supervise every token: the data say so
  }
  return &supervised_loss_sum;
}

}  // namespace tunewright::train

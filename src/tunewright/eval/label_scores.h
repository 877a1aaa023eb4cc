#pragma once
#include <functional>
#include <vector>

#include "tunewright/eval/task.h"

// How likely a model holds texts: of the rows of a task with each of its labels, and of any example
// that training would see.
namespace tunewright::eval {

// Of an example's supervised tokens.
struct Likelihood {
  double logprob = 0;
  int64_t tokens = 0;
};

// Scores examples, many in a pass.
class ExampleScorer {
 public:
  // Called one at a time, in no order.
  using Use = std::function<void(size_t example, const Likelihood&)>;
  void add(data::Example example);
  void score(const Judged& judged, const Use& use) const;

 private:
  std::vector<data::Example> examples_;
};

// The row with every label, as training would see it.  One that the model has no positions for is a
// UserError.
std::vector<data::Example> label_candidates(const Task& task, size_t row, const Judged& judged);

// Of each of `rows`, the first token of every label where the answer stands: what tells the labels'
// probabilities apart without another pass.  Empty where two labels begin with the same token; a
// UserError where a metric of the task needs probabilities then.
std::vector<std::vector<int32_t>> first_label_tokens(const Task& task,
                                                     const std::vector<size_t>& rows,
                                                     const Judged& judged);

// A question of so many tokens that no position is left for its answer is a UserError.
void check_length(const TaskRow& row, size_t tokens, const Judged& judged);

}  // namespace tunewright::eval

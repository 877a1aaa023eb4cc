#pragma once
#include "tunewright/model/size.h"
#include "tunewright/train/plan/layout.h"
#include "tunewright/train/plan/recipe.h"

namespace tunewright::train {

// What a run cannot do without, in bytes, by counting alone: nothing is measured, and what
// libraries and operations take for a moment is left out.  A lower bound.
struct MemoryFloor {
  double weights = 0;
  double trained = 0;  // an adapter, float32 masters and the optimizer's state
  double gradients = 0;
  double activations = 0;  // that the largest pass keeps for its backward pass, and its logits
  double snapshot = 0;     // the copy that is being written while training goes on

  // Gradients are there during a pass only from a step's second pass on.
  double total(bool several_passes) const;
};

// What of a run matters.
struct Load {
  data::PassLayout largest;  // pass
  bool several_passes = false;
  bool saves_while_training = false;
};

Load load_of(const RunLayout& layout);

MemoryFloor memory_floor(const model::ModelSize& size, const Recipe& recipe, const Load& load);

// Whether `floor` fits into `usable` bytes beside the `resident` ones of the program itself; if
// not, a UserError says what is needed, what is there, and what could be changed.
void require_memory(const MemoryFloor& floor, const Load& load, int64_t resident, int64_t usable);

}  // namespace tunewright::train

#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/train/plan/recipe.h"

namespace tunewright::train {

// A line of the configuration and what it is set to.
struct Change {
  std::string key;  // "training.tokens_per_pass"
  Json value;
};

struct Proposal {
  std::vector<Change> changes;
  Recipe recipe;  // with the changes
};

struct FitQuestion {
  Recipe recipe;
  int64_t blocks = 0;           // of the model
  int64_t largest_pass = 0;     // tokens
  int64_t longest_example = 0;  // tokens: no pass can be smaller
  // Bytes that a run by this recipe is thought to need.
  std::function<double(const Recipe&)> need;
  double limit = 0;  // bytes
};

// What would fit, the cheapest in time and in what is learnt first: smaller passes, blocks computed
// again, an optimizer in 8 bits, a quantised base (for LoRA), shorter rows (where data.overflow
// allows it).  Of each way, and of ways together where none alone is enough, the least change.
std::vector<Proposal> propose(const FitQuestion& question);

// The configuration's nested lines: "training: {tokens_per_pass: 512}".
std::string yaml_of(const std::vector<Change>& changes);

}  // namespace tunewright::train

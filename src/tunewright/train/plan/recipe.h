#pragma once
#include <cstdint>

#include "tunewright/data/options.h"
#include "tunewright/model/options.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

// All options that decide what a run needs.
struct Recipe {
  model::ModelOptions model;
  data::DataOptions data;
  model::AdapterOptions adapter;
  TrainOptions training;
};

// The blocks of a model by what a pass does with them; within a kind all cost the same.
struct BlockCounts {
  int64_t frozen = 0;        // forward alone
  int64_t checkpointed = 0;  // forward, then both again
  int64_t plain = 0;         // forward and backward

  int64_t total() const { return frozen + checkpointed + plain; }
  bool operator==(const BlockCounts&) const = default;
};

template <class V>
void fields(V& v, BlockCounts& o) {
  v("frozen", o.frozen, "Blocks that nothing is trained in or before.");
  v("checkpointed", o.checkpointed, "Blocks that are computed again.");
  v("plain", o.plain, "The others.");
}

BlockCounts block_counts(int64_t blocks, const Recipe& recipe);
// The recipe changed so that a model of its first counts.total() blocks has these.
Recipe with_blocks(Recipe recipe, const BlockCounts& counts);

}  // namespace tunewright::train

#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tunewright/model/size.h"
#include "tunewright/train/plan/layout.h"
#include "tunewright/train/plan/measurement.h"
#include "tunewright/train/plan/memory.h"

namespace tunewright::train {

// Models of which numbers of blocks are measured to know that of `target`, the smallest first: one
// block of each kind, then for each kind one with more of it.  `more`: how many at most.
BlockCounts smallest_blocks(const BlockCounts& target);
std::vector<BlockCounts> larger_blocks(const BlockCounts& target, int64_t more);

// What a model of `target` blocks takes: every figure grows by the same amount with each block of a
// kind.  The first measurement is that of smallest_blocks(), the others' order is free.
Measurement extrapolate(std::span<const Measurement> measured, const BlockCounts& target);

// Seconds of a pass by what is in it, fitted to some that were measured: never negative, and no
// less of a larger pass.
class PassTime {
 public:
  // As many of the passes as have been measured.  attention: work of a squared token beside a
  // token.
  PassTime(std::span<const data::PassLayout> passes, std::span<const double> seconds,
           double attention);
  double seconds(const data::PassLayout& pass) const;

 private:
  double attention_;
  double constant_ = 0, per_work_ = 0, per_target_ = 0;
};

struct MemoryForecast {  // bytes of the process at its largest
  double loading = 0, training = 0, evaluation = 0, saving = 0;
  // Of training, what is in it.
  double weights = 0, trained = 0, activations = 0, program = 0;

  double peak() const;
};

struct TimeForecast {  // seconds
  double start = 0, step = 0, steps = 0, evaluation = 0, evaluations = 0, saves = 0;

  double total() const { return start + steps + evaluations + saves; }
};

struct Forecast {
  MemoryForecast memory;
  TimeForecast time;
};

struct ForecastInput {
  const RunLayout& layout;
  std::span<const data::PassLayout> passes, evaluation;  // those that were measured
  const MemoryFloor& floor;
  const model::ModelSize& size;
};
// From what the whole model takes.
Forecast forecast(const Measurement& whole, const ForecastInput& input);

}  // namespace tunewright::train

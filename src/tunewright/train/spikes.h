#pragma once
#include <cstddef>
#include <deque>
#include <optional>

namespace tunewright::train {

// Tells a value that stands out above those before it: one beyond
//   median + 10 * max(1.4826 * median absolute deviation, 0.05 * |median|)
// of the last 64 (1.4826 * MAD is the deviation of normal values; the second term keeps a steady
// series from crying over little).  Nothing stands out before 16 values are there.
class SpikeDetector {
 public:
  struct Spike {
    double median, limit;
  };
  // Judges the value, then remembers it: a new level soon is no spike.  A value that is not finite
  // is neither judged nor remembered.
  std::optional<Spike> judge(double value);

 private:
  std::deque<double> recent_;
};

}  // namespace tunewright::train

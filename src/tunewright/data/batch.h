#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tunewright::data {

inline constexpr int32_t kIgnoreLabel = -100;

// One training example: a tokenised row.
struct Example {
  std::vector<int32_t> ids;
  std::vector<int32_t>
      labels;  // ids[i] where token i is supervised, else kIgnoreLabel; same length, NOT shifted
  std::vector<float>
      weights;  // of each token in the loss, same length, read where it is supervised; empty: all 1
  int64_t row = 0;   // index into the data set's ledger
  int64_t file = 0;  // index in the data set's list of files

  // Tokens that are predicted: supervised with a weight above 0, and not first.
  int64_t supervised_tokens() const;
};

// Examples laid end to end, without padding.  Example i is tokens [offsets[i], offsets[i + 1]).
struct Batch {
  std::vector<int32_t> ids;        // [N]
  std::vector<int32_t> positions;  // [N], from 0 in each example
  std::vector<int64_t> offsets;    // [examples + 1]
  // What is predicted: after token `targets[j].position` comes `targets[j].label`.  Shifted
  // already; never crosses an example.
  struct Target {
    int64_t position;
    int32_t label;
    float weight;
  };
  std::vector<Target> targets;
  std::vector<int64_t> rows;  // ledger index of each example

  int64_t tokens() const { return static_cast<int64_t>(ids.size()); }
  double weight_sum() const;  // of the targets: the divisor of the mean loss
};

Batch make_batch(const std::vector<const Example*>& examples);

// Where parts of at most `max_tokens` end that take examples of these lengths in order: indices one
// behind their last.  A longer example stands alone.
std::vector<size_t> part_ends(std::span<const int64_t> lengths, int64_t max_tokens);

// The same examples in parts of at most `max_tokens` tokens (a longer example stands alone), in
// order.  Summed gradients of the parts equal those of the whole.
std::vector<Batch> split_batch(const std::vector<const Example*>& examples, int64_t max_tokens);

// Its examples in `count` parts of about equal length (or as many as there are examples), each in
// order: what is computed side by side.
std::vector<Batch> deal_batch(const Batch& batch, int64_t count);

}  // namespace tunewright::data

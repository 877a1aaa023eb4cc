#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tunewright/data/dataset.h"

namespace tunewright::data {

// What a pass will hold, known without reading a token.
struct PassLayout {
  std::vector<int64_t> examples;  // indices into the data set's
  int64_t tokens = 0, targets = 0;
  double squares = 0;  // of the examples' lengths, summed: what attention grows with
};

// The passes that Prefetcher makes of a micro-batch (tokens_per_pass 0: one).
std::vector<PassLayout> lay_out(const ExampleStore& examples, std::span<const int64_t> batch,
                                int64_t tokens_per_pass);
// Those that for_each_batch makes of all examples.
std::vector<PassLayout> lay_out_all(const ExampleStore& examples, int64_t max_tokens);

Batch batch_of(const ExampleStore& examples, std::span<const int64_t> indices);

}  // namespace tunewright::data

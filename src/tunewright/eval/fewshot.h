#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tunewright::eval {

// Draws `count` examples out of rows with the given labels (the same for all: no labels): every
// label as often as the others, as far as it has rows, in an order that is drawn too.  The same
// seed draws the same.  Indices into `labels`; count <= labels.size().
std::vector<size_t> draw_balanced(const std::vector<std::string>& labels, int64_t count,
                                  uint64_t seed);

}  // namespace tunewright::eval

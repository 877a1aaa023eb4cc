#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tunewright::metrics {

// The length of the longest common subsequence, 64 cells of the table at a time (Hyyrö 2004).
int64_t common_subsequence_length(std::span<const uint32_t> a, std::span<const uint32_t> b);

// Positions in `reference` of one of the longest common subsequences, ascending: the one that
// rouge-score's walk back through the table finds.  The table may have at most kMaxTableCells
// cells.
std::vector<size_t> common_subsequence(std::span<const uint32_t> reference,
                                       std::span<const uint32_t> candidate);
inline constexpr size_t kMaxTableCells = size_t{1} << 28;

}  // namespace tunewright::metrics

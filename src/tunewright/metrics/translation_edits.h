#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace tunewright::metrics {

// The edits that turn `own` into `wanted` (words by number): words put in, taken out, exchanged,
// and runs of words shifted, found greedily as Tercom and sacrebleu 2.6 do (with their beam around
// the diagonal and their limits on shifts).
int64_t translation_edits(std::span<const uint32_t> own, std::span<const uint32_t> wanted);

}  // namespace tunewright::metrics

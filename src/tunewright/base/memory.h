#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tunewright {

// Makes peak_resident_bytes() count from what is resident now; false where the system refuses.
bool reset_peak_resident_bytes();

// What bounds the memory that this process may still take, in bytes.
struct MemoryLimits {
  int64_t available = 0;              // of the machine, without swapping
  std::optional<int64_t> group_free;  // what the tightest control group leaves; none: no limit
};
MemoryLimits memory_limits();
int64_t usable_bytes(const MemoryLimits& limits);

// Of a control group: `limit` less what it holds, where `reclaimable` of that are files' pages
// which the system takes back.  None where the limit is none in truth (beyond 2^60).
std::optional<int64_t> group_free_bytes(int64_t limit, int64_t used, int64_t reclaimable);

// "8GiB", "7.5G", "500 MB"; K, M, G and T alone are binary.  `where` opens the UserError.
int64_t parse_bytes(std::string_view text, std::string_view where);

}  // namespace tunewright

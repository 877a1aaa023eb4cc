#include "tunewright/base/memory.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright {
namespace {

namespace fs = std::filesystem;

// The names that the two versions of control groups have for the same.
struct GroupFiles {
  const char *limit, *used, *reclaimable;
};
constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_inactive_file"};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file"};

// None where the file is missing or says "max".
std::optional<int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  int64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

int64_t statistic_in(const fs::path& path, const std::string& wanted) {
  std::ifstream file(path);
  std::string name;
  for (int64_t number = 0; file >> name >> number;) {
    if (name == wanted) return number;
  }
  return 0;
}

std::optional<int64_t> free_in(const fs::path& group, const GroupFiles& files) {
  const auto limit = number_in(group / files.limit), used = number_in(group / files.used);
  if (!limit || !used) return std::nullopt;
  return group_free_bytes(*limit, *used, statistic_in(group / "memory.stat", files.reclaimable));
}

std::optional<int64_t> smaller(std::optional<int64_t> a, std::optional<int64_t> b) {
  return a && b ? std::min(a, b) : a ? a : b;
}

// A group is bound by those above it too.  Inside a container its path may not be visible: then the
// mount's own folder is the group.
std::optional<int64_t> free_up_from(const fs::path& mount, const std::string& path,
                                    const GroupFiles& files) {
  std::optional<int64_t> free;
  for (auto group = fs::path(path).relative_path(); !group.empty(); group = group.parent_path())
    free = smaller(free, free_in(mount / group, files));
  return smaller(free, free_in(mount, files));
}

std::optional<int64_t> group_free() {
  const fs::path root = "/sys/fs/cgroup";
  std::optional<int64_t> free;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:memory:/path" or "0::/path"
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    if (parts[1] == "memory")
      free = smaller(free, free_up_from(root / "memory", parts[2], kVersion1));
    if (parts[0] == "0") free = smaller(free, free_up_from(root, parts[2], kVersion2));
  }
  return free;
}

struct Unit {
  const char* name;
  double bytes;
};
constexpr double kKi = 1024, kK = 1000;
constexpr std::array kUnits = {Unit{"", 1},
                               Unit{"b", 1},
                               Unit{"k", kKi},
                               Unit{"kib", kKi},
                               Unit{"kb", kK},
                               Unit{"m", kKi* kKi},
                               Unit{"mib", kKi* kKi},
                               Unit{"mb", kK* kK},
                               Unit{"g", kKi* kKi* kKi},
                               Unit{"gib", kKi* kKi* kKi},
                               Unit{"gb", kK* kK* kK},
                               Unit{"t", kKi* kKi* kKi* kKi},
                               Unit{"tib", kKi* kKi* kKi* kKi},
                               Unit{"tb", kK* kK* kK* kK}};

}  // namespace

bool reset_peak_resident_bytes() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;  // the peak alone
  return file.good();
}

std::optional<int64_t> group_free_bytes(int64_t limit, int64_t used, int64_t reclaimable) {
  constexpr int64_t kNoLimit = int64_t{1} << 60;
  if (limit >= kNoLimit) return std::nullopt;
  return std::max<int64_t>(0, limit - std::max<int64_t>(0, used - reclaimable));
}

MemoryLimits memory_limits() {
  return {.available = available_memory_bytes(), .group_free = group_free()};
}

int64_t usable_bytes(const MemoryLimits& limits) {
  return std::min(limits.available, limits.group_free.value_or(limits.available));
}

int64_t parse_bytes(std::string_view text, std::string_view where) {
  const std::string number(trim(text));
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  const auto unit = to_lower(trim(std::string_view(end)));
  const auto found =
      std::ranges::find_if(kUnits, [&](const Unit& known) { return unit == known.name; });
  const bool valid = end != number.c_str() && value > 0 && value < 1e15 && found != kUnits.end();
  if (!valid)
    throw UserError(str(where, ": expected a size as 8GiB or 500MB, got '", excerpt(text), "'"));
  return static_cast<int64_t>(value * found->bytes);
}

}  // namespace tunewright

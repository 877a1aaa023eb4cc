#include "tunewright/observe/energy.h"

#include <fstream>
#include <string>

#include "tunewright/base/system.h"

namespace tunewright::observe {
namespace {

namespace fs = std::filesystem;
constexpr double kSecondsBetween = 5;

std::optional<int64_t> read_number(const fs::path& file) {
  std::ifstream stream(file);
  int64_t value = 0;
  if (!(stream >> value)) return std::nullopt;
  return value;
}

bool is_package(const fs::path& folder) {
  std::ifstream stream(folder / "name");
  std::string name;
  return (stream >> name) && name.starts_with("package");
}

}  // namespace

EnergyMeter::EnergyMeter(const fs::path& powercap) : sampled_(monotonic_seconds()) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(powercap, code)) {
    if (!is_package(entry.path())) continue;
    const auto now = read_number(entry.path() / "energy_uj");
    const auto range = read_number(entry.path() / "max_energy_range_uj");
    if (now && range)
      counters_.push_back({.file = entry.path() / "energy_uj", .range = *range, .last = *now});
  }
}

void EnergyMeter::sample() {
  if (counters_.empty() || monotonic_seconds() - sampled_ < kSecondsBetween) return;
  joules_ = joules().value_or(joules_);
  for (auto& counter : counters_) counter.last = read_number(counter.file).value_or(counter.last);
  sampled_ = monotonic_seconds();
}

std::optional<double> EnergyMeter::joules() const {
  if (counters_.empty()) return std::nullopt;
  double sum = joules_;
  for (const auto& counter : counters_) {
    const auto now = read_number(counter.file).value_or(counter.last);
    const auto used = now >= counter.last ? now - counter.last : now + counter.range - counter.last;
    sum += static_cast<double>(used) * 1e-6;
  }
  return sum;
}

}  // namespace tunewright::observe

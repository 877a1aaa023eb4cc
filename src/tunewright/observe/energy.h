#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace tunewright::observe {

// Energy of the processor packages, as the kernel's powercap interface counts it (Intel RAPL, and
// AMD's under the same name): of the whole machine, without memory, disks, devices and losses.
class EnergyMeter {
 public:
  explicit EnergyMeter(const std::filesystem::path& powercap = "/sys/class/powercap");
  // Call now and then: counters begin again at zero, after about half an hour of full load.
  void sample();
  // Since the object was made; none where no counter can be read.
  std::optional<double> joules() const;

 private:
  struct Counter {
    std::filesystem::path file;
    int64_t range = 0, last = 0;  // microjoules
  };
  std::vector<Counter> counters_;
  double joules_ = 0;
  double sampled_ = 0;
};

}  // namespace tunewright::observe

#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tunewright::rows {

struct ProgramLimits {
  int64_t output_bytes = int64_t{64} << 20;
  int64_t memory_bytes = int64_t{2} << 30;
  int64_t seconds = 120;
};

struct ProgramResult {
  int status = 0;
  std::string output, error_output;
};

// Runs a program of the PATH without standard input.  One that is not there, or does not keep to
// the limits (it is ended then), is a UserError without place.
ProgramResult run_program(const std::vector<std::string>& words, const ProgramLimits& limits);

}  // namespace tunewright::rows

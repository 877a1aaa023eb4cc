#pragma once
#include <cstdint>
#include <exception>
#include <string>

namespace tunewright {

// Of this process, in bytes.
int64_t resident_bytes();
int64_t peak_resident_bytes();  // since it was executed, or reset (see memory.h)

// "Intel(R) Xeon(R) …, 2 cores"
std::string processor_name();
int64_t core_count();
int64_t available_memory_bytes();

// "2026-11-22T17:03:11Z"
std::string utc_now();

// Seconds since an arbitrary start; never goes back.
double monotonic_seconds();

// Set by SIGINT and SIGTERM once install_stop_signals() has run; long work polls it, saves and
// returns.  A second signal ends the process at once.
void install_stop_signals();
bool stop_requested();
void request_stop();  // for tests
void clear_stop_request();

// Ends work that a stop was requested of.  Not an error, and caught where something is kept or
// more can be said; else the program exits with 130.  Autograd carries a std::exception over from
// a device's thread.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "stopped before anything was written"; }
};
void check_stop();  // throws it where a stop was requested

}  // namespace tunewright

#include "tunewright/base/system.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <fstream>
#include <thread>

#include "tunewright/base/str.h"

namespace tunewright {
namespace {

volatile std::sig_atomic_t g_stop_signals = 0;

void on_stop_signal(int signal) {
  if (g_stop_signals != 0) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  g_stop_signals = 1;
}

// A line "Name:   123 kB" of a file in /proc; 0 without it.
int64_t bytes_in(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

}  // namespace

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

int64_t peak_resident_bytes() {
  return bytes_in("/proc/self/status", "VmHWM");  // getrusage's includes who executed us
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return str(trim(line.substr(line.find(':') + 1)));
  }
  return "unknown processor";
}

int64_t core_count() { return std::max(1U, std::thread::hardware_concurrency()); }

int64_t available_memory_bytes() { return bytes_in("/proc/meminfo", "MemAvailable"); }

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void install_stop_signals() {
  struct sigaction action{};
  action.sa_handler = on_stop_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool stop_requested() { return g_stop_signals != 0; }
void request_stop() { g_stop_signals = 1; }
void clear_stop_request() { g_stop_signals = 0; }

void check_stop() {
  if (stop_requested()) throw Interrupted();
}

}  // namespace tunewright

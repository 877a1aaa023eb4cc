#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tunewright {

// Where progress and remarks go.  Libraries report; `apps/` decides what a person sees.
class Reporter {
 public:
  virtual ~Reporter() = default;
  // `done` of `total` (0: unknown) units of `label`; `detail` stands at the end ("loss 0.52").
  // Called as often as there is news; the reporter itself limits what it draws.
  virtual void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit,
                        std::string_view detail) = 0;
  virtual void finish_progress() = 0;  // the bar of the current label is done
  virtual void info(std::string_view message) = 0;
  virtual void warn(std::string_view message) = 0;
};

// Says nothing: for tests and inner uses.
Reporter& silent_reporter();

// Draws on standard error: a bar with rate and remaining time on a terminal, a plain line every
// few seconds elsewhere.
class ConsoleReporter : public Reporter {
 public:
  ConsoleReporter();
  ~ConsoleReporter() override;
  void progress(std::string_view label, int64_t done, int64_t total, std::string_view unit,
                std::string_view detail) override;
  void finish_progress() override;
  void info(std::string_view message) override;
  void warn(std::string_view message) override;

 private:
  void draw();
  void clear_bar();

  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool drawn_ = false;
  std::string label_, unit_, detail_;
  int64_t done_ = 0, first_done_ = 0, total_ = 0;
  Clock::time_point begin_{}, last_drawn_{};
};

// "[#####.....]  50 % · 12/24 steps · 1.2 steps/s · 10 s left · loss 0.5"
std::string progress_text(std::string_view label, int64_t done, int64_t total,
                          std::string_view unit, double rate, std::string_view detail, int width);

}  // namespace tunewright

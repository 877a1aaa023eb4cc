#include "tunewright/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tunewright/base/str.h"

namespace tunewright {
namespace {

class SilentReporter : public Reporter {
 public:
  void progress(std::string_view, int64_t, int64_t, std::string_view, std::string_view) override {}
  void finish_progress() override {}
  void info(std::string_view) override {}
  void warn(std::string_view) override {}
};

int terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 100;
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Reporter& silent_reporter() {
  static SilentReporter reporter;
  return reporter;
}

std::string progress_text(std::string_view label, int64_t done, int64_t total,
                          std::string_view unit, double rate, std::string_view detail, int width) {
  std::string tail;
  if (total > 0) {
    tail = str(100 * done / total, " % · ", human_count(double(done)), "/",
               human_count(double(total)), " ", unit);
  } else {
    tail = str(human_count(double(done)), " ", unit);
  }
  if (rate > 0) {
    tail += str(" · ", rate < 10 ? fixed(rate, 2) : human_count(rate), " ", unit, "/s");
    if (total > done) tail += str(" · ", human_seconds(double(total - done) / rate), " left");
  }
  if (!detail.empty()) tail += str(" · ", detail);
  std::string line(label);
  const int bar = total > 0 ? std::min<int>(30, width - int(line.size() + tail.size()) - 6) : 0;
  if (bar >= 8) {
    const auto filled = size_t(bar * done / total);
    line += " [" + std::string(filled, '#') + std::string(size_t(bar) - filled, '.') + "]";
  }
  return line + " " + tail;
}

ConsoleReporter::ConsoleReporter() : terminal_(::isatty(STDERR_FILENO) != 0) {}

ConsoleReporter::~ConsoleReporter() { finish_progress(); }

void ConsoleReporter::progress(std::string_view label, int64_t done, int64_t total,
                               std::string_view unit, std::string_view detail) {
  const auto now = Clock::now();
  if (label != label_ || done < done_) {
    finish_progress();
    label_ = label;
    begin_ = now;
    first_done_ = done;
    last_drawn_ = terminal_ ? Clock::time_point{} : now;
  }
  unit_ = unit;
  detail_ = detail;
  done_ = done;
  total_ = total;
  const auto pause = std::chrono::milliseconds(terminal_ ? 100 : 5000);
  if (now - last_drawn_ < pause) return;
  last_drawn_ = now;
  draw();
}

void ConsoleReporter::draw() {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  const double rate = seconds > 0 ? double(done_ - first_done_) / seconds : 0;
  const auto line =
      progress_text(label_, done_, total_, unit_, rate, detail_, terminal_width() - 1);
  print(terminal_ ? "\r\x1b[K" + line : line + "\n");
  drawn_ = true;
}

void ConsoleReporter::clear_bar() {
  if (terminal_ && drawn_) print("\r\x1b[K");
  drawn_ = false;
}

void ConsoleReporter::finish_progress() {
  if (label_.empty()) return;
  draw();
  if (terminal_) print("\n");
  drawn_ = false;
  label_.clear();
  done_ = 0;
}

void ConsoleReporter::info(std::string_view message) {
  clear_bar();
  print(str(message, "\n"));
}

void ConsoleReporter::warn(std::string_view message) {
  clear_bar();
  print(str(terminal_ ? "\x1b[33mwarning:\x1b[0m " : "warning: ", message, "\n"));
}

}  // namespace tunewright

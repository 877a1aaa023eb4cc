#include "tunewright/rows/readers/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

extern char** environ;

namespace tunewright::rows {
namespace {

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
      throw UserError(str("cannot make a pipe: ", std::strerror(errno)));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(0);
    close(1);
  }
  void close(size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
  std::array<int, 2> ends{-1, -1};
};

// Ends with the object, if it has not by itself.
class Child {
 public:
  Child(const std::vector<std::string>& words, const Pipe& out, const Pipe& error) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, error.ends[1], 2);
    std::vector<std::string> copies = words;
    std::vector<char*> arguments;
    for (auto& word : copies) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const int code =
        ::posix_spawnp(&id_, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (code == ENOENT) throw UserError(str("the program ", words[0], " is not installed"));
    if (code != 0) throw UserError(str("cannot run ", words[0], ": ", std::strerror(code)));
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (id_ <= 0) return;
    ::kill(id_, SIGKILL);
    wait();
  }

  void limit(const ProgramLimits& limits) const {
    const auto bytes = static_cast<rlim_t>(limits.memory_bytes);
    const rlimit memory{.rlim_cur = bytes, .rlim_max = bytes};
    ::prlimit(id_, RLIMIT_AS, &memory, nullptr);
  }

  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t id_ = -1;
};

// Whether more may come.
bool take(int descriptor, std::string& into, int64_t limit) {
  std::array<char, 1 << 16> block{};
  const auto got = ::read(descriptor, block.data(), block.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  if (static_cast<int64_t>(into.size()) + got > limit)
    throw UserError(str("its text is longer than ", human_bytes(static_cast<double>(limit))));
  into.append(block.data(), static_cast<size_t>(got));
  return got > 0;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& words, const ProgramLimits& limits) {
  constexpr int64_t kMostErrors = 1 << 20;
  Pipe out, error;
  Child child(words, out, error);
  child.limit(limits);
  out.close(1);
  error.close(1);
  ProgramResult result;
  const double end = monotonic_seconds() + static_cast<double>(limits.seconds);
  std::array<pollfd, 2> waiting = {pollfd{.fd = out.ends[0], .events = POLLIN},
                                   pollfd{.fd = error.ends[0], .events = POLLIN}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    const auto left = end - monotonic_seconds();
    if (left <= 0) throw UserError(str(words[0], " took more than ", limits.seconds, " seconds"));
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(left * 1000) + 1) <= 0) continue;
    if (waiting[0].revents != 0 && !take(waiting[0].fd, result.output, limits.output_bytes))
      waiting[0].fd = -1;
    if (waiting[1].revents != 0 && !take(waiting[1].fd, result.error_output, kMostErrors))
      waiting[1].fd = -1;
  }
  result.status = child.wait();
  return result;
}

}  // namespace tunewright::rows

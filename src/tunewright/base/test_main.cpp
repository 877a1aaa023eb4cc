#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::testing {

TemporaryFolder::TemporaryFolder() {
  static int count = 0;
  path_ =
      std::filesystem::temp_directory_path() / str("tunewright-test-", ::getpid(), "-", count++);
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code code;
  std::filesystem::remove_all(path_, code);
}

LocalServer::LocalServer() {
  const auto script = source_path("tests/data/local_server.py").string();
  int ends[2];
  if (::pipe(ends) != 0) throw InternalError("no pipe");
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::execlp("python3", "python3", script.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  char byte = 0;
  while (::read(ends[0], &byte, 1) == 1 && byte != '\n') port_ += byte;
  ::close(ends[0]);
  if (port_.empty()) throw InternalError("python3 does not run " + script);
}

LocalServer::~LocalServer() {
  ::kill(process_, SIGTERM);
  ::waitpid(process_, nullptr, 0);
}

std::string LocalServer::url(const std::string& path) const {
  return str("http://127.0.0.1:", port_, path);
}

std::filesystem::path source_path(const std::string& relative) {
  return std::filesystem::path(TUNEWRIGHT_SOURCE_DIR) / relative;
}

}  // namespace tunewright::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}

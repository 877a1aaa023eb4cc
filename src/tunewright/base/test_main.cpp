#include <unistd.h>

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

std::filesystem::path source_path(const std::string& relative) {
  return std::filesystem::path(TUNEWRIGHT_SOURCE_DIR) / relative;
}

}  // namespace tunewright::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}

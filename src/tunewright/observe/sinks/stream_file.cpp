#include "tunewright/observe/sinks/stream_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::observe {

StreamFile::StreamFile(const std::filesystem::path& path) : path_(path) {
  std::error_code code;
  std::filesystem::create_directories(path.parent_path(), code);
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0)
    throw UserError(str(path.string(), ": cannot create: ", std::strerror(errno)));
}

StreamFile::~StreamFile() { ::close(descriptor_); }

void StreamFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw UserError(str(path_.string(), ": cannot write: ", std::strerror(errno)));
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

}  // namespace tunewright::observe

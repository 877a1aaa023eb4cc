#include "tunewright/corpus/build/work_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {

namespace fs = std::filesystem;

WorkFolder::WorkFolder(const fs::path& output, const std::string& key, Use use)
    : all_(output / ".work"), path_(all_ / key), is_resumed_(fs::exists(path_)) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw UserError(str(path_.string(), ": cannot make the folder: ", error.message()));
  const auto name = all_ / "lock";
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) throw UserError(str(name.string(), ": cannot create: ", std::strerror(errno)));
  if (::flock(lock_, (use == Use::kAlone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return;
  const bool is_held = errno == EWOULDBLOCK;
  ::close(lock_);
  if (is_held) {
    throw UserError(str(output.string(),
                        ": another build is at work there; wait for it, or choose "
                        "another output_dir"));
  }
  lock_ = -1;  // a file system without locks
}

WorkFolder::~WorkFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void WorkFolder::remove_others() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(all_, ignored)) {
    if (entry.is_directory(ignored) && entry.path() != path_) fs::remove_all(entry.path(), ignored);
  }
}

void WorkFolder::remove_all() const {
  std::error_code ignored;
  fs::remove_all(all_, ignored);
}

}  // namespace tunewright::corpus

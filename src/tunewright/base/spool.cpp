#include "tunewright/base/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright {
namespace {

constexpr size_t kPendingBytes = 1 << 18;

[[noreturn]] void fail(const std::string& name, std::string_view action) {
  const int code = errno;
  const char* hint =
      code == ENOSPC || code == EDQUOT ? "; free some space or choose another folder" : "";
  throw UserError(str(name, ": cannot ", action, ": ", std::strerror(code), hint));
}

int open_file(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (descriptor < 0) fail(path.string(), flags & O_CREAT ? "create" : "open");
  return descriptor;
}

}  // namespace

Spool::Spool(int descriptor, std::string name, int64_t size)
    : descriptor_(descriptor), name_(std::move(name)), size_(size) {}

Spool Spool::in_memory() {
  const int descriptor = ::memfd_create("tunewright", MFD_CLOEXEC);
  if (descriptor < 0) fail("a file in memory", "create");
  return {descriptor, "a file in memory", 0};
}

Spool Spool::unnamed_in(const std::filesystem::path& folder) {
  auto name = (folder / ".tunewright-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) fail(folder.string(), "create a temporary file there");
  ::unlink(name.c_str());
  return {descriptor, "a temporary file in " + folder.string(), 0};
}

Spool Spool::create(const std::filesystem::path& path) {
  return {open_file(path, O_RDWR | O_CREAT | O_TRUNC), path.string(), 0};
}

Spool Spool::open(const std::filesystem::path& path) {
  const int descriptor = open_file(path, O_RDONLY);
  struct stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    throw UserError(str(path.string(), ": not a regular file"));
  }
  return {descriptor, path.string(), info.st_size};
}

Spool::Spool(Spool&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      name_(std::move(other.name_)),
      size_(std::exchange(other.size_, 0)),
      pending_(std::move(other.pending_)) {}

Spool& Spool::operator=(Spool&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(name_, other.name_);
  std::swap(size_, other.size_);
  std::swap(pending_, other.pending_);
  return *this;
}

Spool::~Spool() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Spool::append(std::string_view bytes) {
  pending_.append(bytes);
  size_ += static_cast<int64_t>(bytes.size());
  if (pending_.size() >= kPendingBytes) flush();
}

void Spool::flush() {
  std::string_view left = pending_;
  while (!left.empty()) {
    const auto written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(name_, "write");
    left.remove_prefix(static_cast<size_t>(written));
  }
  pending_.clear();
}

void Spool::read(int64_t offset, std::span<char> into) const {
  const auto in_file = size_ - static_cast<int64_t>(pending_.size());
  while (!into.empty() && offset < in_file) {
    const auto got = ::pread(descriptor_, into.data(), into.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(name_, "read");
    if (got == 0) break;
    offset += got;
    into = into.subspan(static_cast<size_t>(got));
  }
  const auto left = static_cast<int64_t>(into.size());
  if (left > 0 && (offset < in_file || offset + left > size_)) {
    throw UserError(str(name_, ": ends before byte ", offset + left, "; was it cut off?"));
  }
  if (left > 0) std::memcpy(into.data(), pending_.data() + (offset - in_file), into.size());
}

void Spool::for_each_chunk(const std::function<void(std::string_view)>& use) const {
  constexpr int64_t kChunk = 1 << 20;
  std::string chunk;
  for (int64_t offset = 0; offset < size_; offset += kChunk) {
    chunk.resize(static_cast<size_t>(std::min(kChunk, size_ - offset)));
    read(offset, chunk);
    use(chunk);
  }
}

uint64_t Spool::checksum() const {
  uint64_t hash = 0;
  for_each_chunk([&](std::string_view chunk) { hash = fast_hash(chunk, hash); });
  return hash;
}

}  // namespace tunewright

#include "tunewright/base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright {
namespace {

[[noreturn]] void throw_io_error(const fs::path& path, std::string_view action) {
  const int code = errno;
  const char* hint =
      code == ENOSPC || code == EDQUOT ? "; free some space or choose another output folder" : "";
  throw UserError(str(path.string(), ": cannot ", action, ": ", std::strerror(code), hint));
}

void write_all(int descriptor, const char* data, size_t size, const fs::path& path) {
  while (size > 0) {
    const auto written = ::write(descriptor, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_io_error(path, "write");
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
}

void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void make_parent_folder(const fs::path& path) {
  if (path.parent_path().empty()) return;
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code)
    throw UserError(str(path.parent_path().string(), ": cannot make the folder: ", code.message()));
}

fs::path temporary_name(const fs::path& path) {
  return path.parent_path() / str(".", path.filename().string(), ".tmp-", ::getpid());
}

// Puts the folder `made` in the place of `path`.  Where the file system can exchange them, there is
// no moment without one of the two.
void replace_folder(const fs::path& made, const fs::path& path) {
  if (!fs::exists(path)) return fs::rename(made, path);
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) return;
  const auto old = path.parent_path() / str(".", path.filename().string(), ".old-", ::getpid());
  fs::rename(path, old);
  fs::rename(made, path);
  fs::rename(old, made);
}

// A link to a file stays a link: the file is replaced.
fs::path behind_links(fs::path path) {
  std::error_code error;
  if (!fs::is_symlink(path, error) || !fs::is_regular_file(path, error)) return path;
  return fs::canonical(path);
}

// What no file may take the place of: /dev/null, /dev/stdout, a named pipe.
bool is_device(const fs::path& path) {
  std::error_code error;
  return fs::is_other(fs::status(path, error));
}

}  // namespace

std::string read_file(const fs::path& path) {
  const MappedFile file(path);
  return std::string(file.text());
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_io_error(path, "open");
  struct stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    throw UserError(str(path.string(), ": not a regular file"));
  }
  size_ = static_cast<size_t>(info.st_size);
  if (size_ > 0) {
    void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      ::close(descriptor);
      throw_io_error(path, "map into memory");
    }
    data_ = static_cast<const std::byte*>(address);
  }
  ::close(descriptor);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

AtomicFile::AtomicFile(fs::path path) : path_(behind_links(std::move(path))) {
  make_parent_folder(path_);
  if (is_device(path_)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw_io_error(path_, "open");
    return;
  }
  temporary_ = temporary_name(path_);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_io_error(temporary_, "create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  write_all(descriptor_, bytes.data(), bytes.size(), path_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(descriptor_, reinterpret_cast<const char*>(bytes.data()), bytes.size(), path_);
}

void AtomicFile::commit() {
  if (temporary_.empty()) {
    if (::close(std::exchange(descriptor_, -1)) != 0) throw_io_error(path_, "finish writing");
    return;
  }
  if (::fsync(descriptor_) != 0) throw_io_error(path_, "sync");
  const int closed = ::close(std::exchange(descriptor_, -1));
  if (closed != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary_.c_str());
    errno = code;
    throw_io_error(path_, "finish writing");
  }
  sync_folder(path_.parent_path());
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_folder_atomic(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  make_parent_folder(path);
  const auto temporary = temporary_name(path);
  std::error_code code;
  fs::remove_all(temporary, code);
  try {
    fs::create_directories(temporary);
    fill(temporary);
    sync_folder(temporary);
    replace_folder(temporary, path);
    sync_folder(path.parent_path());
    fs::remove_all(temporary, code);  // what stood there before
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(temporary, code);
    throw UserError(str(path.string(), ": cannot write the folder: ", error.code().message()));
  } catch (...) {
    fs::remove_all(temporary, code);
    throw;
  }
}

LineWriter::LineWriter(const fs::path& path, bool append) : path_(path) {
  make_parent_folder(path_);
  descriptor_ =
      ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0644);
  if (descriptor_ < 0) throw_io_error(path_, "create");
}

LineWriter::~LineWriter() { ::close(descriptor_); }

void LineWriter::write(std::string_view line) {
  std::string whole(line);
  whole += '\n';
  write_all(descriptor_, whole.data(), whole.size(), path_);
}

LineReader::LineReader(const fs::path& path) : path_(path), stream_(path, std::ios::binary) {
  if (fs::is_directory(path)) throw UserError(str(path.string(), ": is a folder, not a file"));
  if (!stream_) throw_io_error(path, "open");
}

namespace {

// std::getline(), but for a line that no file of lines has: it must not fill the memory.
bool bounded_getline(std::istream& stream, std::string& line, const fs::path& path) {
  constexpr size_t kMostBytes = size_t{256} << 20;
  std::array<char, 1 << 16> piece{};
  line.clear();
  while (true) {
    stream.getline(piece.data(), piece.size());
    const auto count = static_cast<size_t>(stream.gcount());
    const bool is_cut = stream.fail() && !stream.eof() && count == piece.size() - 1;
    if (!is_cut) {  // the line's end is counted and not kept
      line.append(piece.data(), stream.eof() ? count : count - (count > 0));
      return !stream.fail() || !line.empty();
    }
    line.append(piece.data(), count);
    if (line.size() > kMostBytes) {
      throw UserError(str(path.string(), ": has a line of more than ", human_bytes(kMostBytes),
                          "; is it a file of lines? `tunewright data build` sets such rows aside"));
    }
    stream.clear(stream.rdstate() & ~std::ios::failbit);
  }
}

}  // namespace

std::optional<std::string_view> LineReader::next() {
  if (!bounded_getline(stream_, line_, path_)) {
    if (stream_.bad()) throw_io_error(path_, "read");
    return std::nullopt;
  }
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return line_;
}

}  // namespace tunewright

#include "tunewright/rows/readers/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::rows {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 18;

[[noreturn]] void fail(const char* what, int error) {
  throw UserError(str("cannot ", what, ": ", std::strerror(error)));
}

// O_NONBLOCK: opening a pipe that nobody writes to must not wait.
int open_plain_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail("open", errno);
  struct stat info{};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    throw UserError("not a plain file");
  }
  return descriptor;
}

}  // namespace

FileStream::FileStream(const std::filesystem::path& path) : descriptor_(open_plain_file(path)) {}

FileStream::~FileStream() { ::close(descriptor_); }

size_t FileStream::read(std::span<char> into) {
  for (;;) {
    const auto got = ::read(descriptor_, into.data(), into.size());
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) fail("read", errno);
  }
}

size_t PeekStream::read(std::span<char> into) {
  if (taken_ == ahead_.size()) return inner_.read(into);
  const auto count = std::min(into.size(), ahead_.size() - taken_);
  std::memcpy(into.data(), ahead_.data() + taken_, count);
  taken_ += count;
  return count;
}

std::string_view PeekStream::peek(size_t size) {
  ahead_.erase(0, taken_);
  taken_ = 0;
  while (ahead_.size() < size) {
    const auto before = ahead_.size();
    ahead_.resize(size);
    const auto got = inner_.read(std::span(ahead_).subspan(before));
    ahead_.resize(before + got);
    if (got == 0) break;
  }
  return std::string_view(ahead_).substr(0, size);
}

std::string read_all(ByteStream& stream, int64_t limit) {
  std::string all;
  for (;;) {
    const auto before = all.size();
    all.resize(before + kBlockBytes);
    const auto got = stream.read(std::span(all).subspan(before));
    all.resize(before + got);
    if (got == 0) return all;
    if (static_cast<int64_t>(all.size()) > limit) throw UserError(too_long_reason("it", limit));
  }
}

bool StreamLines::fill() {
  if (at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const auto before = buffer_.size();
  buffer_.resize(before + kBlockBytes);
  const auto got = stream_.read(std::span(buffer_).subspan(before));
  buffer_.resize(before + got);
  at_end_ = got == 0;
  return !at_end_;
}

StreamLines::Line StreamLines::take(size_t size) {
  const auto rest = std::string_view(buffer_).substr(begin_ + size);
  const size_t end = rest.starts_with("\r\n") ? 2 : rest.empty() ? 0 : 1;
  Line line{.text = std::string_view(buffer_).substr(begin_, size), .end = rest.substr(0, end)};
  begin_ += size + end;
  searched_ = 0;
  if (static_cast<int64_t>(size) > limit_) line = {.too_long = true, .end = line.end};
  return line;
}

std::optional<StreamLines::Line> StreamLines::skip_long_line() {
  for (;;) {
    const auto at = std::string_view(buffer_).substr(begin_).find_first_of("\r\n");
    if (at != std::string_view::npos && (begin_ + at + 1 < buffer_.size() || at_end_)) {
      auto line = take(at);
      return Line{.too_long = true, .end = line.end};
    }
    begin_ = at == std::string_view::npos ? buffer_.size() : begin_ + at;
    if (!fill() && begin_ == buffer_.size()) return Line{.too_long = true};
  }
}

std::optional<StreamLines::Line> StreamLines::next() {
  for (;;) {
    const auto unread = std::string_view(buffer_).substr(begin_);
    const auto at = unread.find_first_of("\r\n", searched_);
    // A "\r" at the end of the buffer may be half of "\r\n".
    const bool whole =
        at != std::string_view::npos && (unread[at] == '\n' || at + 1 < unread.size() || at_end_);
    if (whole) return take(at);
    searched_ = at == std::string_view::npos ? unread.size() : at;
    if (static_cast<int64_t>(unread.size()) > limit_ + 1 && at == std::string_view::npos)
      return skip_long_line();
    if (!fill() && at == std::string_view::npos) {
      if (begin_ == buffer_.size()) return std::nullopt;
      return take(buffer_.size() - begin_);
    }
  }
}

std::string too_long_reason(std::string_view what, int64_t limit) {
  return str(what, " is longer than ", human_bytes(static_cast<double>(limit)),
             "; raise max_row_bytes if that is meant");
}

}  // namespace tunewright::rows

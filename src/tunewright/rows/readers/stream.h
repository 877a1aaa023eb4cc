#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tunewright::rows {

// Bytes that come one after the other.  What goes wrong is a UserError without place.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // How many bytes came; 0: the end.
  virtual size_t read(std::span<char> into) = 0;
};

class FileStream : public ByteStream {
 public:
  explicit FileStream(const std::filesystem::path& path);
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;
  ~FileStream() override;
  size_t read(std::span<char> into) override;

 private:
  int descriptor_ = -1;
};

// Lets one look at the next bytes without taking them.
class PeekStream : public ByteStream {
 public:
  explicit PeekStream(ByteStream& inner) : inner_(inner) {}  // borrowed
  size_t read(std::span<char> into) override;
  // The next `size` bytes, or all that are left where fewer are; valid until the next call.
  std::string_view peek(size_t size);

 private:
  ByteStream& inner_;
  std::string ahead_;
  size_t taken_ = 0;  // of ahead_
};

// All that is left; more than `limit` bytes is a UserError.
std::string read_all(ByteStream& stream, int64_t limit);

// Lines of at most `limit` bytes, memory bounded by that.  "\n", "\r\n" and a lone "\r" end one.
class StreamLines {
 public:
  StreamLines(ByteStream& stream, int64_t limit) : stream_(stream), limit_(limit) {}
  struct Line {
    std::string_view text;  // valid until the next call; empty where it was too long
    bool too_long = false;
    std::string_view end;  // "\n", "\r\n", "\r", or empty at the end of the input
  };
  std::optional<Line> next();

 private:
  bool fill();
  std::optional<Line> skip_long_line();
  Line take(size_t size);

  ByteStream& stream_;
  int64_t limit_;
  std::string buffer_;
  size_t begin_ = 0;     // of the next line in buffer_
  size_t searched_ = 0;  // from begin_: no line ends before
  bool at_end_ = false;
};

std::string too_long_reason(std::string_view what, int64_t limit);

}  // namespace tunewright::rows

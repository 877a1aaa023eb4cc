#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tunewright {

namespace fs = std::filesystem;

// The whole file.  A missing or unreadable one is a UserError that names it.
std::string read_file(const fs::path& path);

// A read-only view of a file, mapped into memory.  Movable; the bytes live as long as the object.
class MappedFile {
 public:
  explicit MappedFile(const fs::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Writes to a temporary name beside `path`; commit() syncs and renames.  Destroyed without
// commit(), it removes what it wrote.  A full disk is a UserError that names the file.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::string_view bytes);
  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  fs::path path_;
  fs::path temporary_;
  int descriptor_ = -1;
};

void write_file_atomic(const fs::path& path, std::string_view bytes);

// Makes `path` by filling a temporary folder beside it, which is synced and renamed when `fill`
// returns, and removed when it throws.  An existing `path` is replaced.
void write_folder_atomic(const fs::path& path, const std::function<void(const fs::path&)>& fill);

// Appends lines, each flushed as it is written.  A failed write is a UserError.
class LineWriter {
 public:
  explicit LineWriter(const fs::path& path, bool append = true);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  ~LineWriter();
  void write(std::string_view line);  // without the newline

 private:
  fs::path path_;
  int descriptor_ = -1;
};

// Reads lines one by one, memory bounded by the longest line.  Drops "\n" and a "\r" before it.
class LineReader {
 public:
  explicit LineReader(const fs::path& path);
  // The next line, valid until the next call; none at the end.
  std::optional<std::string_view> next();

 private:
  fs::path path_;
  std::ifstream stream_;
  std::string line_;
};

}  // namespace tunewright

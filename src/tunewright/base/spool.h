#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace tunewright {

// Bytes that are appended once, in order, and read at any place: what need not fit into memory.
// Reading does not map the file, so nothing of it counts as memory of the process.
class Spool {
 public:
  static Spool in_memory();                                      // anonymous; for small things
  static Spool unnamed_in(const std::filesystem::path& folder);  // on disk; gone with the object,
                                                                 // or the process, however it ends
  static Spool create(const std::filesystem::path& path);        // a file that stays
  static Spool open(const std::filesystem::path& path);          // to read alone

  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&& other) noexcept;
  ~Spool();

  void append(std::string_view bytes);
  void flush();  // what was appended is in the file

  // Fills `into` from the bytes at `offset`; thread-safe while nobody appends.  Fewer bytes there
  // than that, or a failing disk, is a UserError that names the file.
  void read(int64_t offset, std::span<char> into) const;
  // Calls `use` with all bytes in order, in pieces.
  void for_each_chunk(const std::function<void(std::string_view)>& use) const;
  int64_t size() const { return size_; }

  // XXH3 over all bytes: finds damage, not an adversary.
  uint64_t checksum() const;

 private:
  Spool(int descriptor, std::string name, int64_t size);
  int descriptor_ = -1;
  std::string name_;
  int64_t size_ = 0;
  std::string pending_;  // appended, not yet written
};

}  // namespace tunewright

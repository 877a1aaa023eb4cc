#pragma once
#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace tunewright {

// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);
std::string sha256_file(const std::filesystem::path& path);

// What git names a file's content by: SHA-1, 40 lower-case hexadecimal digits.
std::string git_blob_id(const std::filesystem::path& path);

// SHA-256 over pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::string_view bytes);
  std::string hex_digest();  // once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// XXH3, 64 bits: for tables and cache keys, not against an adversary.
uint64_t fast_hash(std::string_view bytes, uint64_t seed = 0);

// XXH3, 128 bits (xxHash128): tells texts apart, whatever their number.
struct Hash128 {
  uint64_t high = 0, low = 0;
  auto operator<=>(const Hash128&) const = default;
};
Hash128 fast_hash128(std::string_view bytes, uint64_t seed = 0);

}  // namespace tunewright

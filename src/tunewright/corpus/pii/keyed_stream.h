#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tunewright::corpus::pii {

// HMAC-SHA256 (RFC 2104) as 64 hexadecimal digits.
std::string hmac_sha256(std::string_view key, std::string_view message);

// Numbers that a key and a message decide.
class KeyedStream {
 public:
  KeyedStream(std::string_view key, std::string message);
  uint64_t below(uint64_t bound);  // bound <= 256; biased by less than bound / 2^32

 private:
  std::string key_, message_, block_;
  size_t used_ = 0;
  uint64_t blocks_ = 0;
};

}  // namespace tunewright::corpus::pii

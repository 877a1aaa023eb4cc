#include "tunewright/corpus/pii/keyed_stream.h"

#include <charconv>

#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus::pii {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view message) {
  constexpr size_t kBlockBytes = 64;
  std::string padded(key.size() > kBlockBytes ? bytes_of(sha256(key)) : std::string(key));
  padded.resize(kBlockBytes, '\0');
  std::string inner, outer;
  for (const char c : padded) {
    inner += static_cast<char>(c ^ 0x36);
    outer += static_cast<char>(c ^ 0x5C);
  }
  return sha256(outer + bytes_of(sha256(inner.append(message))));
}

KeyedStream::KeyedStream(std::string_view key, std::string message)
    : key_(key), message_(std::move(message)) {}

uint64_t KeyedStream::below(uint64_t bound) {
  constexpr size_t kDigits = 8;  // 32 bits a number
  if (used_ + kDigits > block_.size()) {
    block_ = hmac_sha256(key_, str(message_, '\n', blocks_++));
    used_ = 0;
  }
  uint64_t value = 0;
  std::from_chars(block_.data() + used_, block_.data() + used_ + kDigits, value, 16);
  used_ += kDigits;
  return value % bound;
}

}  // namespace tunewright::corpus::pii

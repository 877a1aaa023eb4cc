#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace tunewright::observe {

// A protobuf message in the making: fields in the order they are added.  A library for a dozen
// fields would bring generated code and its version with it.
class Message {
 public:
  Message& integer(int field, int64_t value) {
    tag(field, 0);
    varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& number(int field, double value) {
    tag(field, 1);
    little_endian(std::bit_cast<uint64_t>(value));
    return *this;
  }
  Message& single(int field, float value) {
    tag(field, 5);
    little_endian(std::bit_cast<uint32_t>(value));
    return *this;
  }
  Message& text(int field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(int field, const Message& value) { return text(field, value.bytes()); }
  const std::string& bytes() const { return bytes_; }

 private:
  void tag(int field, int type) {
    varint(static_cast<uint64_t>(field) << 3 | static_cast<uint64_t>(type));
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  template <class Unsigned>
  void little_endian(Unsigned value) {
    for (size_t i = 0; i < sizeof value; ++i) bytes_ += static_cast<char>(value >> (8 * i));
  }
  std::string bytes_;
};

// The lowest bytes of a number, lowest first, as both kinds of log have them.
template <class Unsigned>
std::string little_endian_bytes(Unsigned value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace tunewright::observe

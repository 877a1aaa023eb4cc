#include "tunewright/corpus/pii/checksums.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "tunewright/base/hash.h"
#include "tunewright/corpus/pii/characters.h"

namespace tunewright::corpus::pii {
namespace {

int value_of(char digit) { return digit - '0'; }

constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kBech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

std::string from_hex(std::string_view hex) {
  const auto nibble = [](char c) { return is_digit(c) ? c - '0' : lower(c) - 'a' + 10; };
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(nibble(hex[i]) * 16 + nibble(hex[i + 1]));
  return bytes;
}

// Big-endian bytes of a base-58 number; empty where a letter is none of its digits.
std::string decode_base58(std::string_view word) {
  std::vector<uint8_t> bytes;  // least significant first
  for (const char c : word) {
    const auto digit = kBase58.find(c);
    if (digit == std::string_view::npos) return "";
    auto carry = static_cast<unsigned>(digit);
    for (auto& byte : bytes) {
      carry += 58U * byte;
      byte = static_cast<uint8_t>(carry);
      carry >>= 8;
    }
    for (; carry > 0; carry >>= 8) bytes.push_back(static_cast<uint8_t>(carry));
  }
  const auto zeros = word.find_first_not_of('1');
  bytes.insert(bytes.end(), zeros == std::string_view::npos ? word.size() : zeros, 0);
  return {bytes.rbegin(), bytes.rend()};
}

uint32_t bech32_polymod(uint32_t state, unsigned value) {
  constexpr std::array<uint32_t, 5> kGenerator = {0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD,
                                                  0x2A1462B3};
  const auto top = state >> 25;
  state = ((state & 0x1FFFFFF) << 5) ^ value;
  for (unsigned i = 0; i < kGenerator.size(); ++i)
    if (((top >> i) & 1U) != 0) state ^= kGenerator[i];
  return state;
}

}  // namespace

bool passes_luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (size_t i = digits.size(); i > 0; --i, twice = !twice) {
    const int digit = value_of(digits[i - 1]) * (twice ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

bool passes_aba(std::string_view nine_digits) {
  constexpr std::array kWeights = {3, 7, 1};
  int sum = 0;
  for (size_t i = 0; i < nine_digits.size(); ++i) sum += value_of(nine_digits[i]) * kWeights[i % 3];
  const int district = value_of(nine_digits[0]) * 10 + value_of(nine_digits[1]);
  const bool in_use = district <= 12 || (district >= 21 && district <= 32) ||
                      (district >= 61 && district <= 72) || district == 80;
  return sum % 10 == 0 && in_use && nine_digits != "000000000";
}

bool passes_npi(std::string_view ten_digits) {
  return passes_luhn("80840" + std::string(ten_digits)) &&
         ten_digits.substr(0, 9).find_first_not_of(ten_digits[0]) != std::string_view::npos;
}

bool passes_dea(std::string_view seven_digits) {
  int sum = 0;
  for (size_t i = 0; i < 6; ++i) sum += value_of(seven_digits[i]) * (i % 2 == 0 ? 1 : 2);
  return sum % 10 == value_of(seven_digits[6]);
}

bool passes_mod97(std::string_view iban) {
  int rest = 0;
  for (size_t i = 0; i < iban.size(); ++i) {
    const char c = upper(iban[(i + 4) % iban.size()]);
    rest = is_digit(c) ? (rest * 10 + value_of(c)) % 97 : (rest * 100 + c - 'A' + 10) % 97;
  }
  return rest == 1;
}

std::string base58check_payload(std::string_view word) {
  if (word.size() < 26 || word.size() > 112) return "";
  auto bytes = decode_base58(word);
  constexpr std::array<size_t, 4> kSizes = {21, 33, 34, 78};
  if (bytes.size() < 4 || std::ranges::find(kSizes, bytes.size() - 4) == kSizes.end()) return "";
  const auto payload = bytes.substr(0, bytes.size() - 4);
  const auto check = from_hex(sha256(from_hex(sha256(payload))).substr(0, 8));
  return bytes.ends_with(check) ? payload : "";
}

bool passes_bech32(std::string_view word) {
  const auto separator = word.rfind('1');
  if (separator == std::string_view::npos || separator < 1 || separator + 7 > word.size() ||
      word.size() > 90)
    return false;
  const bool has_upper = std::ranges::any_of(word, is_upper);
  if (has_upper && std::ranges::any_of(word, [](char c) { return c >= 'a' && c <= 'z'; }))
    return false;
  constexpr uint32_t kBech32Constant = 1, kBech32mConstant = 0x2BC830A3;
  uint32_t state = 1;
  const auto prefix = word.substr(0, separator);
  for (const char c : prefix) state = bech32_polymod(state, static_cast<unsigned>(lower(c)) >> 5);
  state = bech32_polymod(state, 0);
  for (const char c : prefix) state = bech32_polymod(state, static_cast<unsigned>(lower(c)) & 31);
  for (const char c : word.substr(separator + 1)) {
    const auto value = kBech32.find(lower(c));
    if (value == std::string_view::npos) return false;
    state = bech32_polymod(state, static_cast<unsigned>(value));
  }
  return state == kBech32Constant || state == kBech32mConstant;
}

}  // namespace tunewright::corpus::pii

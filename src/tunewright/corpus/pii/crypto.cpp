// Addresses of crypto currencies, and private keys written in the same alphabet.
#include <algorithm>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/checksums.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

bool is_bech32_prefix(std::string_view word) {
  std::string start(word.substr(0, 5));
  std::ranges::transform(start, start.begin(), lower);
  return start.starts_with("bc1") || start.starts_with("tb1") || start.starts_with("ltc1") ||
         start.starts_with("bcrt1");
}

bool is_hex_address(std::string_view word) {
  return word.size() == 42 && word.starts_with("0x") &&
         std::ranges::all_of(word.substr(2), is_hex) &&
         word.find_first_not_of('0', 2) != std::string_view::npos;
}

}  // namespace

MaybeFinding find_crypto(std::string_view text, const Word& word) {
  const auto code = text.substr(word.begin, word.size());
  if (code.size() < 14 || code.size() > 112 || !stands_alone(text, word.begin, word.end)) return {};
  const Finding address{word.begin, word.end, Entity::kCrypto, 1.0};
  if (is_bech32_prefix(code) && passes_bech32(code)) return address;
  if (is_hex_address(code)) return Finding{word.begin, word.end, Entity::kCrypto, 0.7};
  const auto payload = base58check_payload(code);
  if (payload.empty()) return {};
  if (payload.size() == 21) return address;
  if (payload.size() == 78 && code.substr(1, 3) == "pub") return address;
  return Finding{word.begin, word.end, Entity::kSecret, 1.0};
}

}  // namespace tunewright::corpus::pii

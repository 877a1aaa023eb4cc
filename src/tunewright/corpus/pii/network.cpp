// IP and MAC addresses.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/context.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

constexpr double kAddress = 0.6;  // as presidio scores them
constexpr double kUnlikely = 0.1;

constexpr std::array<std::string_view, 14> kVersionWords = {
    "version",  "ver", "v",        "release", "section",   "chapter", "build",
    "revision", "rev", "firmware", "clause",  "paragraph", "driver",  "upgrade"};
constexpr std::array<std::string_view, 8> kAddressWords = {"ip",     "ipv6", "address", "host",
                                                           "server", "ping", "inet6",   "addr"};

// "/24" behind an address, where the number is at most `most`.
size_t mask_end(std::string_view text, size_t end, int most) {
  if (at(text, end) != '/' || !is_digit(at(text, end + 1))) return end;
  size_t i = end + 1;
  int bits = 0;
  for (; is_digit(at(text, i)) && bits <= most; ++i) bits = bits * 10 + (text[i] - '0');
  return bits <= most && !is_word_at(text, i) ? i : end;
}

// One of the four numbers of an IPv4 address; 0 where there is none.
size_t octet_end(std::string_view text, size_t begin) {
  size_t end = begin;
  int value = 0;
  while (is_digit(at(text, end)) && end - begin < 4) value = value * 10 + (text[end++] - '0');
  const bool leads_with_zero = text.substr(begin, 1) == "0" && end - begin > 1;
  return end == begin || value > 255 || leads_with_zero ? 0 : end;
}

bool follows_a_number(std::string_view text, size_t begin) {
  return begin >= 2 && text[begin - 1] == '.' && is_digit(text[begin - 2]);
}

// "::1", "1::2": slices of programs look the same.
bool is_short(std::string_view address) {
  size_t groups = 0, longest = 0, group = 0;
  bool has_digit = false;
  for (const char c : address) {
    has_digit |= is_digit(c);
    group = c == ':' ? 0 : group + 1;
    if (group == 1) ++groups;
    longest = std::max(longest, group);
  }
  return groups < 3 && (longest < 3 || !has_digit);
}

}  // namespace

MaybeFinding find_ipv4(std::string_view text, const Word& word) {
  if (word.size() > 3 || at(text, word.end) != '.' || follows_a_number(text, word.begin)) return {};
  size_t end = word.begin;
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (at(text, end) != '.') return {};
      ++end;
    }
    end = octet_end(text, end);
    if (end == 0) return {};
  }
  const bool goes_on = at(text, end) == '.' && is_digit(at(text, end + 1));
  if (goes_on || !stands_alone(text, word.begin, end)) return {};
  const bool is_version =
      has_context(text, word.begin, kVersionWords) && !has_context(text, word.begin, kAddressWords);
  return Finding{word.begin, mask_end(text, end, 32), Entity::kIpAddress,
                 is_version ? kUnlikely : kAddress};
}

MaybeFinding find_ipv6(std::string_view text, size_t begin) {
  if (begin > 0 && (is_word_before(text, begin) || text[begin - 1] == ':')) return {};
  constexpr size_t kLongest = INET6_ADDRSTRLEN - 1;
  size_t end = begin;
  while (end < text.size() && end - begin <= kLongest &&
         (is_hex(text[end]) || text[end] == ':' || text[end] == '.'))
    ++end;
  for (int cut = 0; cut < 2 && end > begin + 2; ++cut) {  // the sentence's own '.' or ':'
    const std::string address(text.substr(begin, end - begin));
    in6_addr parsed{};
    if (inet_pton(AF_INET6, address.c_str(), &parsed) == 1) {
      if (is_word_at(text, end)) return {};
      const bool sure = !is_short(address) || has_context(text, begin, kAddressWords);
      if (at(text, end) == '%' && is_alnum(at(text, end + 1))) end = word_end(text, end + 1);
      return Finding{begin, mask_end(text, end, 128), Entity::kIpAddress,
                     sure ? kAddress : kUnlikely};
    }
    --end;
    if (is_hex(text[end])) return {};
  }
  return {};
}

MaybeFinding find_mac(std::string_view text, const Word& word) {
  const char separator = at(text, word.end);
  const bool dotted = separator == '.' && word.size() == 4;
  if (!dotted && !(word.size() == 2 && (separator == ':' || separator == '-'))) return {};
  const size_t groups = dotted ? 3 : 6;
  std::string digits;
  size_t end = word.begin;
  for (size_t i = 0; i < groups; ++i) {
    if (i > 0 && at(text, end++) != separator) return {};
    for (size_t k = 0; k < 12 / groups; ++k, ++end) {
      if (!is_hex(at(text, end))) return {};
      digits += upper(text[end]);
    }
  }
  const bool goes_on = at(text, end) == separator && is_hex(at(text, end + 1));
  const bool goes_before =
      word.begin >= 2 && text[word.begin - 1] == separator && is_hex(text[word.begin - 2]);
  if (goes_on || goes_before || !stands_alone(text, word.begin, end)) return {};
  if (digits == "FFFFFFFFFFFF" || digits == "000000000000") return {};
  // "ba-da-da-da-da-da" and the numbers of a lottery are written like this too.
  const bool is_mixed =
      std::ranges::any_of(digits, is_digit) && std::ranges::any_of(digits, is_letter);
  if (separator == '-' && !is_mixed) return {};
  return Finding{word.begin, end, Entity::kMacAddress, kAddress};
}

}  // namespace tunewright::corpus::pii

// What spaCy takes for a URL: an optional scheme, an optional user, a public IPv4 address or a host
// name, a port, a path.  Its regular expression, in one pass over each place where a host may
// begin.
#include <algorithm>
#include <string_view>
#include <vector>

#include "tunewright/base/str.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/corpus/text/english_words.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

using text::code_point_at;

template <class Fits>
bool all_points(std::string_view text, Fits&& fits) {
  for (size_t at = 0; at < text.size();) {
    const auto [point, size] = code_point_at(text, at);
    if (!fits(point)) return false;
    at += size;
  }
  return true;
}

bool is_host_letter(char32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         (c >= 0xA1 && c <= 0xFFFF);
}

bool are_digits(std::string_view text, int64_t least, int64_t most) {
  const auto count = character_count(text);
  return count >= least && count <= most &&
         all_points(text, [](char32_t c) { return (flags_of(c) & kDigit) != 0; });
}

bool is_label(std::string_view label) {
  const auto count = character_count(label);
  if (count < 1 || count > 64) return false;
  return is_host_letter(code_point_at(label, 0).value) &&
         is_host_letter(text::code_point_before(label, label.size()).value) &&
         all_points(label, [](char32_t c) { return is_host_letter(c) || c == '_' || c == '-'; });
}

bool is_name(std::span<const std::string_view> labels) {
  const auto top = labels.back();
  const auto count = character_count(top);
  return labels.size() >= 2 && count >= 2 && count <= 63 &&
         all_points(top, [](char32_t c) { return (flags_of(c) & kLower) != 0; }) &&
         std::ranges::all_of(labels.first(labels.size() - 1), is_label);
}

// One to three digits; those behind the first may be of any script, as \d is there.
struct Octet {
  char first = 0;
  char second = 0;  // 0 where it is not ASCII
  int64_t digits = 0;
};
Octet octet_of(std::string_view text) {
  if (!are_digits(text, 1, 3)) return {};
  return {.first = text[0],
          .second = text.size() > 1 ? text[1] : '\0',
          .digits = character_count(text)};
}

// d, dd, 1dd, 2[0-max]d, 2 max+1 [0-last]: the shapes that the rule for one place allows.
bool fits(std::string_view text, char least_first, char most_second, char last_of_25) {
  const auto o = octet_of(text);
  if (o.digits == 0) return false;
  if (o.digits < 3) return o.first >= least_first && o.first <= '9';
  if (o.first == '1') return true;
  if (o.first != '2') return false;
  if (o.second >= '0' && o.second <= most_second) return true;
  return o.second == most_second + 1 && text.size() == 3 && text[2] >= '0' && text[2] <= last_of_25;
}

bool is_middle(std::string_view text) {  // 1?\d{1,2} | 2[0-4]\d | 25[0-5]
  const auto o = octet_of(text);
  if (o.digits == 1 || o.digits == 2) return true;
  return o.digits == 3 && fits(text, '0', '4', '5');
}

bool is_address(std::span<const std::string_view> parts) {
  if (parts.size() != 4) return false;
  // 1 to 223, then up to 255, then 1 to 254; first digits are ASCII.
  if (!fits(parts[0], '1', '1', '\0') && !(parts[0].size() == 3 && parts[0].starts_with("22") &&
                                           parts[0][2] >= '0' && parts[0][2] <= '3'))
    return false;
  if (!is_middle(parts[1]) || !is_middle(parts[2]) || !fits(parts[3], '1', '4', '4')) return false;
  if (parts[0] == "10" || parts[0] == "127") return false;
  if ((parts[0] == "169" && parts[1] == "254") || (parts[0] == "192" && parts[1] == "168"))
    return false;
  const auto second = parts[1];
  const bool private_172 = (second.size() >= 2 && second[0] == '1' && second[1] >= '6' &&
                            second[1] <= '9' && second.size() == 2) ||
                           (second[0] == '2' && are_digits(second, 2, 2)) || second == "30" ||
                           second == "31";
  return !(parts[0] == "172" && private_172);
}

// A host to the end of the word, or to a port or a path.
bool is_host(std::string_view rest) {
  const auto end = std::min(rest.find_first_of(":/?#@"), rest.size());
  if (end < rest.size() && rest[end] == '@') return false;  // a user, of the host behind it
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= end;) {
    const auto dot = std::min(rest.find('.', at), end);
    parts.push_back(rest.substr(at, dot - at));
    at = dot + 1;
  }
  if (std::ranges::any_of(parts, &std::string_view::empty)) return false;
  if (!is_name(parts) && !is_address(parts)) return false;
  auto behind = rest.substr(end);
  if (!behind.empty() && behind[0] == ':') {
    const auto path = std::min(behind.find_first_of("/?#"), behind.size());
    if (!are_digits(behind.substr(1, path - 1), 2, 5)) return false;
  }
  return true;
}

size_t scheme_size(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos || !word.substr(colon).starts_with("://")) return 0;
  const auto scheme = word.substr(0, colon);
  const bool fits = character_count(scheme) >= 2 && all_points(scheme, [](char32_t c) {
                      return c == '+' || c == '-' || c == '.' || text::python::is_word(c);
                    });
  return fits ? colon + 3 : 0;
}

}  // namespace

bool is_english_url(std::string_view word) {
  if (word.find('.') == std::string_view::npos) return false;
  if (is_host(word)) return true;
  if (const auto scheme = scheme_size(word); scheme > 0 && is_host(word.substr(scheme)))
    return true;
  for (auto at = word.find('@', 1); at != std::string_view::npos; at = word.find('@', at + 1))
    if (is_host(word.substr(at + 1))) return true;
  return false;
}

}  // namespace tunewright::corpus

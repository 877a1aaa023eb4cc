// International bank account numbers.
#include <algorithm>
#include <array>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/checksums.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

// What follows country and check digits, as the registry of ISO 13616 writes it: n digits, a
// letters, c either; each behind its count.
struct Country {
  std::string_view code, structure;
};
constexpr Country kCountries[] = {
    {"AD", "8n12c"},    {"AE", "19n"},      {"AL", "8n16c"},    {"AT", "16n"},
    {"AZ", "4c20n"},    {"BA", "16n"},      {"BE", "12n"},      {"BG", "4a6n8c"},
    {"BH", "4a14c"},    {"BI", "23n"},      {"BR", "23n1a1c"},  {"BY", "4c4n16c"},
    {"CH", "5n12c"},    {"CR", "18n"},      {"CY", "8n16c"},    {"CZ", "20n"},
    {"DE", "18n"},      {"DJ", "23n"},      {"DK", "14n"},      {"DO", "4c20n"},
    {"EE", "16n"},      {"EG", "25n"},      {"ES", "20n"},      {"FI", "14n"},
    {"FK", "2a12n"},    {"FO", "14n"},      {"FR", "10n11c2n"}, {"GB", "4a14n"},
    {"GE", "2a16n"},    {"GI", "4a15c"},    {"GL", "14n"},      {"GR", "7n16c"},
    {"GT", "24c"},      {"HN", "4a20n"},    {"HR", "17n"},      {"HU", "24n"},
    {"IE", "4a14n"},    {"IL", "19n"},      {"IQ", "4a15n"},    {"IS", "22n"},
    {"IT", "1a10n12c"}, {"JO", "4a4n18c"},  {"KW", "4a22c"},    {"KZ", "3n13c"},
    {"LB", "4n20c"},    {"LC", "4a24c"},    {"LI", "5n12c"},    {"LT", "16n"},
    {"LU", "3n13c"},    {"LV", "4a13c"},    {"LY", "21n"},      {"MC", "10n11c2n"},
    {"MD", "20c"},      {"ME", "18n"},      {"MK", "3n10c2n"},  {"MN", "16n"},
    {"MR", "23n"},      {"MT", "4a5n18c"},  {"MU", "4a19n3a"},  {"NI", "4a20n"},
    {"NL", "4a10n"},    {"NO", "11n"},      {"OM", "3n16c"},    {"PK", "4a16c"},
    {"PL", "24n"},      {"PS", "4a21c"},    {"PT", "21n"},      {"QA", "4a21c"},
    {"RO", "4a16c"},    {"RS", "18n"},      {"RU", "14n15c"},   {"SA", "2n18c"},
    {"SC", "4a20n3a"},  {"SD", "14n"},      {"SE", "20n"},      {"SI", "15n"},
    {"SK", "20n"},      {"SM", "1a10n12c"}, {"SO", "19n"},      {"ST", "21n"},
    {"SV", "4a20n"},    {"TL", "19n"},      {"TN", "20n"},      {"TR", "5n1n16c"},
    {"UA", "6n19c"},    {"VA", "3n15n"},    {"VG", "4a16n"},    {"XK", "16n"},
    {"YE", "4a4n18c"}};

std::string expanded(std::string_view structure) {
  std::string kinds;
  size_t count = 0;
  for (const char c : structure) {
    if (is_digit(c)) {
      count = count * 10 + static_cast<size_t>(c - '0');
    } else {
      kinds.append(count, c);
      count = 0;
    }
  }
  return kinds;
}

bool fits(char c, char kind) {
  return kind == 'n' ? is_digit(c) : kind == 'a' ? is_letter(c) : is_alnum(c);
}

}  // namespace

MaybeFinding find_iban(std::string_view text, const Word& word) {
  if (word.size() < 4 || !is_letter(text[word.begin]) || !is_letter(text[word.begin + 1]) ||
      !is_digit(text[word.begin + 2]) || !is_digit(text[word.begin + 3]) ||
      is_word_before(text, word.begin))
    return {};
  const std::array code = {upper(text[word.begin]), upper(text[word.begin + 1])};
  const auto* country =
      std::ranges::find(kCountries, std::string_view(code.data(), 2), &Country::code);
  if (country == std::end(kCountries)) return {};
  const auto kinds = expanded(country->structure);
  std::string iban(text.substr(word.begin, 4));
  size_t end = word.begin + 4;
  for (size_t i = 0; i < kinds.size(); ++i) {
    // Separators stand between groups of four, as on paper.
    if (i % 4 == 0 && one_of(" -", at(text, end)) && end < text.size()) ++end;
    if (!fits(at(text, end), kinds[i])) return {};
    iban += text[end++];
  }
  if (is_word_at(text, end) || !passes_mod97(iban)) return {};
  const bool capitals = std::ranges::none_of(iban, [](char c) { return c >= 'a' && c <= 'z'; });
  return Finding{word.begin, end, Entity::kIbanCode, capitals ? 1.0 : 0.5};
}

}  // namespace tunewright::corpus::pii

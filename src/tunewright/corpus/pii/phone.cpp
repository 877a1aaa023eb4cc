// Telephone numbers: what looks like one by its groups is shown to libphonenumber.
#include <algorithm>
#include <array>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/context.h"
#include "tunewright/corpus/pii/matchers.h"
#include "tunewright/corpus/pii/phone_numbers.h"

namespace tunewright::corpus::pii {
namespace {

constexpr double kInternational = 0.7;
constexpr double kGrouped = 0.4;  // what presidio gives
constexpr double kBare = 0.25;    // digits alone: a number like any other without a context word

constexpr std::array<std::string_view, 23> kPhoneWords = {
    "phone",    "telephone", "tel",      "cell",    "cellphone", "mobile",  "call",  "fax",
    "whatsapp", "sms",       "text",     "contact", "ring",      "dial",    "mob",   "ph",
    "reach",    "hotline",   "helpline", "telefon", "handy",     "calling", "called"};

constexpr size_t kMostGroups = 8;
constexpr size_t kLeastDigits = 7, kMostDigits = 15;  // E.164

struct Group {
  size_t begin = 0, end = 0;
  bool in_parentheses = false;
  size_t size() const { return end - begin; }
};

// Digits in groups, as people write them.
struct Candidate {
  size_t begin = 0;
  bool international = false;  // begins with '+'
  std::array<Group, kMostGroups> groups{};
  size_t count = 0;
  std::string separators;  // the first of each gap
};

// Spaces, hyphens and the like from `i` on: the end of the gap between two groups.
size_t gap_end(std::string_view text, size_t i) {
  constexpr size_t kMostBytes = 5;
  const size_t begin = i;
  while (i < text.size() && i - begin < kMostBytes) {
    if (one_of(" -./()", text[i])) {
      ++i;
    } else if (text.substr(i, 2) == "\xC2\xA0" || text.substr(i, 2) == "\xC2\xAD") {  // nbsp, shy
      i += 2;
    } else if (text.substr(i, 2) == "\xE2\x80") {  // hyphens and dashes U+2010 .. U+2015, U+202F
      const auto last = static_cast<unsigned char>(at(text, i + 2));
      if (!(last >= 0x90 && last <= 0x95) && last != 0xAF) break;
      i += 3;
    } else {
      break;
    }
  }
  return i;
}

Candidate read_candidate(std::string_view text, size_t begin) {
  Candidate candidate{.begin = begin};
  size_t i = begin;
  bool open = false;
  for (; i < text.size() && one_of("+(", text[i]); ++i) {
    candidate.international |= text[i] == '+';
    open |= text[i] == '(';
  }
  size_t digits = 0;
  while (candidate.count < kMostGroups && is_digit(at(text, i))) {
    auto& group = candidate.groups[candidate.count];
    group.begin = i;
    while (is_digit(at(text, i))) ++i;
    group.end = i;
    digits += group.size();
    if (digits > kMostDigits + 4) break;
    group.in_parentheses = open && at(text, i) == ')';
    ++candidate.count;
    const size_t next = gap_end(text, i);
    if (next == i || !is_digit(at(text, next))) break;
    const auto gap = text.substr(i, next - i);
    // A slash stands behind an area code alone ("030/901820"); dates and lists have others.
    if (gap.find('/') != gap.npos && (candidate.count > 1 || text[group.begin] != '0')) break;
    open = gap.find('(') != gap.npos;
    candidate.separators += text[i];
    i = next;
  }
  return candidate;
}

// The first `count` groups of a candidate.
struct Number {
  const Candidate& candidate;
  size_t count;
  std::string digits;

  size_t begin() const { return candidate.begin; }
  size_t end() const { return candidate.groups[count - 1].end; }
  const Group& group(size_t i) const { return candidate.groups[i]; }
  char separator(size_t i) const { return candidate.separators[i]; }
  bool has_shape(std::initializer_list<size_t> sizes) const {
    if (count != sizes.size()) return false;
    return std::ranges::equal(sizes, std::span(candidate.groups).first(count), {}, {},
                              &Group::size);
  }
  bool has_one_separator(char c) const {
    return std::ranges::all_of(candidate.separators.substr(0, count - 1),
                               [&](char s) { return s == c; });
  }
};

Number number_of(std::string_view text, const Candidate& candidate, size_t count) {
  Number number{candidate, count, ""};
  for (size_t i = 0; i < count; ++i) {
    const auto& group = candidate.groups[i];
    number.digits += text.substr(group.begin, group.size());
  }
  return number;
}

bool is_date_or_number(const Number& number) {
  if (number.has_shape({2, 2, 4}) || number.has_shape({4, 2, 2}) || number.has_shape({2, 2, 2}) ||
      number.has_shape({1, 2, 4}) || number.has_shape({2, 1, 4}) || number.has_shape({1, 1, 4}))
    return true;
  if (number.has_shape({5, 4}) && number.separator(0) == '-') return true;    // ZIP + 4
  if (number.has_shape({3, 2, 4}) && number.digits.size() == 9) return true;  // SSN
  const auto groups = std::span(number.candidate.groups).first(number.count);
  const bool threes = std::ranges::all_of(groups, [](const Group& g) { return g.size() <= 3; });
  // 10.20.30.40, 1.234.567.890
  if (number.count > 1 && number.has_one_separator('.') && threes && number.count <= 4 &&
      !number.has_shape({3, 3, 3}))
    return true;
  // Numbers with a digit by itself (an ISBN); a country's 1, a trunk prefix in brackets and the
  // extension of a switchboard ("030/901820-0") are.
  for (size_t i = 0; i < number.count; ++i) {
    const bool country = i == 0 && number.digits[0] == '1';
    const bool extension = i > 0 && i + 1 == number.count && number.separator(i - 1) == '-' &&
                           number.digits[0] == '0' && groups[0].size() > 2;
    if (groups[i].size() == 1 && !groups[i].in_parentheses && !country && !extension) return true;
  }
  return false;
}

// What stands before lets it be a telephone number.
bool is_free_before(std::string_view text, size_t begin) {
  if (begin == 0) return true;
  if (is_word_before(text, begin)) return false;
  const char before = text[begin - 1];
  if (one_of("$%", before)) return false;
  if (one_of(".,-/:+=", before) && begin >= 2 && is_digit(text[begin - 2])) return false;
  if (before == '-' && begin >= 2 && is_alnum(text[begin - 2])) return false;
  constexpr std::array<std::string_view, 3> kCurrencies = {"€", "£", "¥"};
  return std::ranges::none_of(kCurrencies,
                              [&](auto sign) { return text.substr(0, begin).ends_with(sign); });
}

bool is_free_behind(std::string_view text, size_t end) {
  const char after = at(text, end), beyond = at(text, end + 1);
  if (is_word_at(text, end) || one_of("%@", after)) return false;
  if (one_of(".,:/", after) && is_digit(beyond)) return false;
  return !(after == '-' && is_alnum(beyond));
}

// 415-555-0132, (415) 5550132, 1 415 555 0132, …: an area code, an exchange and a line.
bool is_north_american(const Number& number) {
  if (!number.has_shape({3, 3, 4}) && !number.has_shape({1, 3, 3, 4}) && !number.has_shape({10}) &&
      !number.has_shape({11}) && !number.has_shape({3, 7}) && !number.has_shape({6, 4}) &&
      !number.has_shape({1, 10}))
    return false;
  std::string_view digits = number.digits;
  if (digits.size() == 11 && digits[0] == '1') digits.remove_prefix(1);
  return digits.size() == 10 && digits[0] >= '2' && digits[3] >= '2' &&
         digits.substr(1, 2) != "11" && digits.substr(0, 3) != "555" && digits[1] != '9';
}

// The end of a longer row of groups ("DE89 3704 0044 0532 0130 00") is no number by itself.
bool follows_groups(std::string_view text, const Number& number) {
  const size_t begin = number.begin();
  return begin >= 2 && text[begin - 1] == ' ' && is_digit(text[begin - 2]);
}

// Whether people of a region write national numbers like this: spares the library most numbers.
bool is_national_form(const Number& number, const std::string& region) {
  const auto& digits = number.digits;
  const bool trunk = digits[0] == '0' && digits[1] != '0' && digits.size() >= 9;
  if (region == "US" || region == "CA") return is_north_american(number);
  if (region == "GB" || region == "DE" || region == "FR" || region == "IL") return trunk;
  if (region == "IN") {
    const bool mobile = digits.size() == 10 && digits[0] >= '6';
    return (trunk && digits.size() == 11) ||
           (mobile && (number.has_shape({5, 5}) || number.count == 1));
  }
  if (region == "BR") {
    return trunk || number.has_shape({2, 5, 4}) || number.has_shape({2, 4, 4}) ||
           (number.has_shape({2, 9}) && number.group(0).in_parentheses);
  }
  return trunk || number.count > 1;
}

// "0049 …", "011 49 …".
bool has_exit_code(const std::string& digits) {
  return digits.size() >= 10 && (digits.starts_with("00") || digits.starts_with("011"));
}

double score_of(std::string_view text, const Number& number,
                const std::vector<std::string>& regions) {
  const auto written = text.substr(number.begin(), number.end() - number.begin());
  if (number.candidate.international)
    return is_valid_phone_number(written, "ZZ") ? kInternational : 0;
  if (is_date_or_number(number)) return 0;
  if (number.digits[0] == '0' && follows_groups(text, number)) return 0;
  const double score = number.count > 1 ? kGrouped : kBare;
  if (has_exit_code(number.digits) && number.count > 1) {
    const size_t size = number.digits[1] == '0' ? 2 : 3;
    return is_valid_phone_number(str("+", number.digits.substr(size)), "ZZ") ? score : 0;
  }
  for (const auto& region : regions)
    if (is_national_form(number, region) && is_valid_phone_number(written, region)) return score;
  // Area codes newer than the library's.
  const bool grouped = number.has_shape({3, 3, 4}) || number.has_shape({1, 3, 3, 4});
  return grouped && is_north_american(number) ? kBare : 0;
}

// " ext. 123", "x123", "#12" behind a number.
size_t extension_end(std::string_view text, size_t end) {
  size_t i = end;
  while (i - end < 2 && one_of(" ,;", at(text, i)) && i < text.size()) ++i;
  constexpr std::array<std::string_view, 5> kSigns = {"extension", "ext", "x", "X", "#"};
  const auto* sign = std::ranges::find_if(
      kSigns, [&](std::string_view s) { return text.substr(i, s.size()) == s; });
  if (sign == kSigns.end()) return end;
  i += sign->size();
  for (int k = 0; k < 2 && one_of(".: ", at(text, i)); ++k) ++i;
  size_t digits = 0;
  while (is_digit(at(text, i + digits)) && digits < 8) ++digits;
  return digits == 0 || digits > 7 || is_word_at(text, i + digits) ? end : i + digits;
}

}  // namespace

MaybeFinding find_phone(std::string_view text, size_t begin,
                        const std::vector<std::string>& regions) {
  if (!is_free_before(text, begin)) return {};
  const auto candidate = read_candidate(text, begin);
  // Brackets around a first group are the number's, around all of it the sentence's.
  if (text[begin] == '(' && (!candidate.groups[0].in_parentheses || candidate.count == 1))
    return {};
  for (size_t count = candidate.count; count > 0; --count) {
    const auto number = number_of(text, candidate, count);
    if (number.digits.size() < kLeastDigits || number.digits.size() > kMostDigits + 3) continue;
    const size_t end = extension_end(text, number.end());
    if (!is_free_behind(text, end)) continue;
    double score = score_of(text, number, regions);
    if (score == 0) continue;
    if (has_context(text, begin, kPhoneWords)) score = with_context(score);
    return Finding{begin, end, Entity::kPhoneNumber, score};
  }
  return {};
}

void check_phone_regions(const std::vector<std::string>& regions) {
  for (const auto& region : regions) {
    if (!is_phone_region(region))
      throw UserError(str("phone_regions: there is no region '", region, "'",
                          suggestion(region, phone_regions()),
                          "; use ISO 3166 codes of countries"));
  }
}

}  // namespace tunewright::corpus::pii

// Dates in figures ("2024-03-05", "3/5/24", "05.03.2024", "5-MAR-2024", ISO 8601 with time) and in
// words ("March 5, 2024", "5 March 2024").
#include <algorithm>
#include <array>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/context.h"
#include "tunewright/corpus/pii/digit_groups.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

constexpr double kDate = 0.6, kIsoTime = 0.8, kMonthOfYear = 0.2;
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 6> kDateWords = {"date", "birthday", "born",
                                                        "dob",  "expires",  "expiry"};

int number_at(std::string_view text, size_t begin, size_t end) {
  int value = 0;
  for (; begin < end; ++begin) value = value * 10 + (text[begin] - '0');
  return value;
}
bool is_day(int number) { return number >= 1 && number <= 31; }
bool is_month(int number) { return number >= 1 && number <= 12; }

// "Mar", "march"; `short_only`: three letters.
bool is_month_name(std::string_view word, bool short_only) {
  return std::ranges::any_of(kMonths, [&](std::string_view month) {
    const bool size_fits = word.size() == 3 || (!short_only && word.size() == month.size());
    return size_fits && std::ranges::equal(word, month.substr(0, word.size()), {}, lower);
  });
}

// The end of "T12:30[:15[.25]](Z|+01:00)" at `begin`; `begin` where it is no time.
size_t iso_time_end(std::string_view text, size_t begin) {
  const auto two_digits = [&](size_t i) {
    return is_digit(at(text, i)) && is_digit(at(text, i + 1));
  };
  if (at(text, begin) != 'T' || !two_digits(begin + 1) || at(text, begin + 3) != ':' ||
      !two_digits(begin + 4))
    return begin;
  size_t end = begin + 6;
  if (at(text, end) == ':' && two_digits(end + 1)) end += 3;
  if (at(text, end) == '.' && is_digit(at(text, end + 1)))
    for (++end; is_digit(at(text, end));) ++end;
  if (at(text, end) == 'Z') return end + 1;
  if (one_of("+-", at(text, end)) && two_digits(end + 1) && at(text, end + 3) == ':' &&
      two_digits(end + 4))
    return end + 6;
  return end;
}

// Three numbers with '-', '/' or '.' between them.
MaybeFinding date_in_figures(std::string_view text, const Word& word, const DigitGroups& groups) {
  if (groups.count != 3) return {};
  const size_t year_first = groups.sizes[0] == 4 ? 1 : 0;
  const auto value = [&](size_t i) {
    return number_at(text, groups.ends[i] - groups.sizes[i], groups.ends[i]);
  };
  for (size_t i = 0; i < 3; ++i)
    if (groups.sizes[i] > 2 && !(groups.sizes[i] == 4 && (i == 0 || i == 2))) return {};
  if (year_first == 1 && (groups.sizes[2] == 4 || groups.separator == '.')) return {};
  if (year_first == 0 && groups.sizes[2] < 2) return {};
  if (year_first == 0 && groups.sizes[2] == 2 && groups.separator == '-') return {};
  const int first = value(year_first), second = value(year_first + 1);
  const bool month_then_day = is_month(first) && is_day(second);
  const bool day_then_month = is_day(first) && is_month(second) && year_first == 0;
  if (!(month_then_day && groups.separator != '.') && !day_then_month) return {};
  const size_t end = groups.ends[2];
  const size_t with_time =
      groups.separator == '-' && year_first == 1 ? iso_time_end(text, end) : end;
  if (with_time > end && !is_word_at(text, with_time))
    return Finding{word.begin, with_time, Entity::kDateTime, kIsoTime};
  if (!is_whole_number(text, word.begin, end)) return {};
  return Finding{word.begin, end, Entity::kDateTime, kDate};
}

// "03/2024".
MaybeFinding month_of_year(std::string_view text, const Word& word, const DigitGroups& groups) {
  if (groups.count != 2 || groups.separator != '/' || groups.sizes[0] > 2 || groups.sizes[1] != 4 ||
      !is_month(number_at(text, word.begin, groups.ends[0])) ||
      !is_whole_number(text, word.begin, groups.ends[1]))
    return {};
  const double score =
      has_context(text, word.begin, kDateWords) ? with_context(kMonthOfYear) : kMonthOfYear;
  return Finding{word.begin, groups.ends[1], Entity::kDateTime, score};
}

size_t skip_spaces(std::string_view text, size_t i) {
  for (int n = 0; n < 2 && at(text, i) == ' '; ++n) ++i;
  return i;
}

// The end of ", 2024" or " 2024" at `end`; `end` where there is no year.
size_t year_end(std::string_view text, size_t end) {
  size_t i = at(text, end) == ',' ? end + 1 : end;
  i = skip_spaces(text, i);
  if (i == end || !one_of("12", at(text, i))) return end;
  const size_t stop = word_end(text, i);
  return stop - i == 4 && digits_of(text.substr(i, 4)).size() == 4 ? stop : end;
}

// "March 5[th][, 2024]", "March 2024", "MAR-2024".
MaybeFinding month_first(std::string_view text, const Word& word) {
  const auto name = text.substr(word.begin, word.size());
  if (!is_month_name(name, false) || !is_upper(name[0])) return {};
  if (at(text, word.end) == '-' && is_month_name(name, true)) {
    const size_t end = word_end(text, word.end + 1);
    const size_t size = end - word.end - 1;
    const bool digits = digits_of(text.substr(word.end + 1, size)).size() == size;
    if (digits && (size == 2 || size == 4))
      return Finding{word.begin, end, Entity::kDateTime, kDate};
  }
  const size_t begin = skip_spaces(text, at(text, word.end) == '.' ? word.end + 1 : word.end);
  size_t end = begin;
  while (is_digit(at(text, end)) && end - begin < 3) ++end;
  if (begin == word.end || end - begin > 2 || !is_day(number_at(text, begin, end))) {
    end = year_end(text, word.end);
    return end == word.end ? MaybeFinding{} : Finding{word.begin, end, Entity::kDateTime, kDate};
  }
  const auto ordinal = text.substr(end, 2);
  if (ordinal == "st" || ordinal == "nd" || ordinal == "rd" || ordinal == "th") end += 2;
  if (is_word_at(text, end)) {
    end = year_end(text, word.end);
    return end == word.end ? MaybeFinding{} : Finding{word.begin, end, Entity::kDateTime, kDate};
  }
  return Finding{word.begin, year_end(text, end), Entity::kDateTime, kDate};
}

// "5 March[ 2024]", "5th March", "5-MAR[-2024]".
MaybeFinding day_first(std::string_view text, const Word& word) {
  size_t digits = 0;
  while (is_digit(at(text, word.begin + digits))) ++digits;
  if (digits > 2 || !is_day(number_at(text, word.begin, word.begin + digits))) return {};
  const auto rest = text.substr(word.begin + digits, word.size() - digits);
  if (!rest.empty() && rest != "st" && rest != "nd" && rest != "rd" && rest != "th") return {};
  const bool dashed = at(text, word.end) == '-' && rest.empty();
  size_t begin = dashed ? word.end + 1 : skip_spaces(text, word.end);
  if (begin == word.end) return {};
  if (text.substr(begin, 3) == "of ") begin += 3;
  size_t end = word_end(text, begin);
  const auto name = text.substr(begin, end - begin);
  if (!is_month_name(name, dashed) || (!dashed && !is_upper(name[0]))) return {};
  if (!dashed) return Finding{word.begin, year_end(text, end), Entity::kDateTime, kDate};
  const size_t year = word_end(text, end + 1);
  const size_t size = year - std::min(year, end + 1);
  if (at(text, end) == '-' && (size == 2 || size == 4) &&
      digits_of(text.substr(end + 1, size)).size() == size)
    end = year;
  return Finding{word.begin, end, Entity::kDateTime, kDate};
}

}  // namespace

MaybeFinding find_date(std::string_view text, const Word& word) {
  if (is_word_before(text, word.begin)) return {};
  if (!is_digit(text[word.begin])) return month_first(text, word);
  const auto groups = read_digit_groups(text, word.begin, "-/.");
  if (auto found = date_in_figures(text, word, groups)) return found;
  if (auto found = month_of_year(text, word, groups)) return found;
  return day_first(text, word);
}

}  // namespace tunewright::corpus::pii

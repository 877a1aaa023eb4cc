#include "tunewright/rows/template_filters.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <array>
#include <charconv>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr UChar32 kJoiner = 0x200D, kNonJoiner = 0x200C;  // they hold letters and emoji together

bool is_blank(UChar32 c) {
  if (c == kJoiner || c == kNonJoiner) return false;
  const auto type = u_charType(c);
  return u_isUWhiteSpace(c) != 0 || type == U_CONTROL_CHAR || type == U_FORMAT_CHAR;
}

std::string one_line(const std::string& text) {
  std::string line;
  bool blank = false;
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    const auto begin = i;
    UChar32 c = 0;
    U8_NEXT(text.data(), i, size, c);
    if (c >= 0 && is_blank(c)) {
      blank = true;
      continue;
    }
    if (blank && !line.empty()) line += ' ';
    blank = false;
    line.append(text, static_cast<size_t>(begin), static_cast<size_t>(i - begin));
  }
  return line;
}

// The first `limit` characters, up to a space, and a mark that something is missing.
std::string cut(const std::string& text, size_t limit) {
  if (character_count(text) <= limit) return text;
  size_t bytes = 0;
  for (size_t characters = 0; bytes < text.size(); ++bytes) {
    const bool begins = (static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80;
    if (begins && ++characters > limit) break;
  }
  auto begin = text.substr(0, bytes);
  if (const auto space = begin.rfind(' '); space != std::string::npos) begin.resize(space);
  return begin + " …";
}

// "mail.example.org" of "Jo <jo@Mail.example.org>"; null where there is no "@".
Json domain(const std::string& address) {
  const auto at = address.find('@');
  if (at == std::string::npos) return nullptr;
  const auto rest = std::string_view(address).substr(at + 1);
  const auto end = rest.find_first_of(" \t\r\n>)],;:\"'<(@");
  auto name = to_lower(rest.substr(0, end));
  while (name.ends_with('.')) name.pop_back();
  return name.empty() ? Json(nullptr) : Json(name);
}

std::string other_case(const std::string& text, bool upper) {
  auto unicode = icu::UnicodeString::fromUTF8(text);
  std::string result;
  (upper ? unicode.toUpper(icu::Locale::getRoot()) : unicode.toLower(icu::Locale::getRoot()))
      .toUTF8String(result);
  return result;
}

int64_t number_of(const std::string& argument) {
  int64_t number = -1;
  const auto* end = argument.data() + argument.size();
  const auto [at, error] = std::from_chars(argument.data(), end, number);
  return error == std::errc() && at == end ? number : -1;
}

constexpr std::array kFilters = {"one_line", "trim", "lower",  "upper",
                                 "cut",      "json", "domain", "default"};

}  // namespace

std::string plain_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

void check_filter(const std::string& name, const std::string& argument, const std::string& where) {
  const std::vector<std::string> known(kFilters.begin(), kFilters.end());
  if (std::ranges::find(known, name) == known.end())
    throw UserError(str(where, ": unknown filter '", excerpt(name), "'", suggestion(name, known)));
  if (name == "cut" && number_of(argument) <= 0)
    throw UserError(str(where, ": cut expects a number of characters, as cut:300, got '",
                        excerpt(argument), "'"));
}

Json apply_filter(std::string_view name, const std::string& argument, Json value) {
  if (name == "default") {
    const bool missing = value.is_null() || (value.is_string() && value.get<std::string>().empty());
    return missing ? Json(argument) : value;
  }
  if (value.is_null()) return value;
  if (name == "json") return dump_json(value);
  const auto text = plain_text(value);
  if (name == "one_line") return one_line(text);
  if (name == "trim") return std::string(trim(text));
  if (name == "lower") return other_case(text, false);
  if (name == "upper") return other_case(text, true);
  if (name == "cut") return cut(text, static_cast<size_t>(number_of(argument)));
  if (name == "domain") return domain(text);
  TUNEWRIGHT_ASSERT(!"a filter without a function");
}

}  // namespace tunewright::rows

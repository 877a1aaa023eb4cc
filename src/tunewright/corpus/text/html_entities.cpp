#include "tunewright/corpus/text/html_entities.h"

#include <gumbo.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "tunewright/corpus/text/mojibake_tables.h"
#include "tunewright/text/python_text.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kLongestName = 24;

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char32_t c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// What a parser of HTML makes of "&name;"; none where it does not know it whole.
std::optional<std::string> parse_entity(const std::string& name) {
  const auto html = "<body>x&" + name + ";";  // the x keeps white space in the body
  auto* output = gumbo_parse_with_options(&kGumboDefaultOptions, html.data(), html.size());
  std::optional<std::string> text;
  const auto& children = output->root->v.element.children;
  const auto* body = static_cast<const GumboNode*>(children.data[children.length - 1]);
  if (body->type == GUMBO_NODE_ELEMENT && body->v.element.children.length == 1) {
    const auto* node = static_cast<const GumboNode*>(body->v.element.children.data[0]);
    if (node->type == GUMBO_NODE_TEXT) text = std::string(node->v.text.text).substr(1);
  }
  gumbo_destroy_output(&kGumboDefaultOptions, output);
  // A name that only begins with one of the names without semicolon leaves its end behind.
  if (text && text->find(';') != std::string::npos && name != "semi") return std::nullopt;
  return text;
}

bool is_upper_name(const std::string& name) {
  return std::ranges::none_of(name, [](char c) { return c >= 'a' && c <= 'z'; });
}

// Names that HTML knows without a semicolon: in capitals, what begins with one is left alone.
bool begins_with_bare_name(const std::string& name) {
  return std::ranges::any_of(std::initializer_list<std::string_view>{"AMP", "COPY", "ETH", "GT",
                                                                     "LT", "QUOT", "REG", "THORN"},
                             [&](std::string_view bare) { return name.starts_with(bare); });
}

std::optional<std::u32string> decode_name(const std::string& name) {
  if (auto text = parse_entity(name)) return text::python::decode(*text);
  if (!is_upper_name(name) || begins_with_bare_name(name)) return std::nullopt;
  if (auto text = parse_entity(text::python::lower(name)))
    return text::python::decode(text::python::upper(*text));
  return std::nullopt;
}

std::optional<std::u32string> named(std::u32string_view letters) {
  thread_local std::unordered_map<std::string, std::optional<std::u32string>> known;
  const auto name = text::python::encode(letters);
  if (const auto it = known.find(name); it != known.end()) return it->second;
  if (known.size() > 4096) known.clear();  // made-up names do not fill the memory
  return known[name] = decode_name(name);
}

bool is_invalid_reference(uint32_t number) {
  if (number < 0x20) return number != '\t' && number != '\n' && number != '\f';
  return (number >= 0x7F && number <= 0x9F) || (number >= 0xFDD0 && number <= 0xFDEF) ||
         (number & 0xFFFE) == 0xFFFE;
}

std::u32string from_number(uint32_t number) {
  if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF)) return U"\uFFFD";
  if (number == '\r') return U"\r";
  if (number >= 0x80 && number <= 0x9F)
    return std::u32string(1, kEncodings.front().points[number - 0x80]);
  return is_invalid_reference(number) ? U"" : std::u32string(1, number);
}

// The digits behind "&#"; none where they are not digits alone.
std::optional<std::u32string> numbered(std::u32string_view digits) {
  const bool hex = digits[0] == 'x' || digits[0] == 'X';
  if (hex) digits.remove_prefix(1);
  if (digits.empty()) return std::nullopt;
  uint64_t number = 0;
  for (const auto c : digits) {
    const auto lower = c | 0x20;
    const bool letter = hex && lower >= 'a' && lower <= 'f';
    if (!is_digit(c) && !letter) return std::nullopt;
    number = number * (hex ? 16 : 10) + (is_digit(c) ? c - '0' : lower - 'a' + 10);
    number = std::min<uint64_t>(number, 0x110000);
  }
  if (number == ';') return std::nullopt;  // left alone there
  return from_number(static_cast<uint32_t>(number));
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '&') {
      out += text[at++];
      continue;
    }
    const bool number = at + 1 < text.size() && text[at + 1] == '#';
    const auto begin = at + (number ? 2 : 1);
    auto end = begin;
    while (end < text.size() && end - begin <= kLongestName && is_letter_or_digit(text[end])) ++end;
    const auto size = end - begin;
    std::optional<std::u32string> decoded;
    if (size > 0 && size <= kLongestName && end < text.size() && text[end] == ';') {
      const auto name = text.substr(begin, size);
      decoded = number ? numbered(name) : named(name);
    }
    if (decoded) {
      out += *decoded;
      at = end + 1;
    } else {
      out += text[at++];
    }
  }
  return out;
}

}  // namespace tunewright::corpus

#pragma once
// Python's view of text: a str is a sequence of code points, here kept as UTF-8.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::text::python {

// Invalid bytes become U+FFFD.
std::u32string decode(std::string_view utf8);
std::string encode(std::u32string_view points);
void append(std::string& out, char32_t point);
size_t length(std::string_view utf8);
bool is_ascii(std::string_view text);

// str.isspace, isdigit, isalpha, … of one character; `is_printable` decides what repr() escapes.
bool is_space(char32_t point);
bool is_digit(char32_t point);
bool is_decimal(char32_t point);
bool is_numeric(char32_t point);
bool is_alpha(char32_t point);
bool is_word(char32_t point);  // \w
bool is_printable(char32_t point);
bool is_lower(char32_t point);
bool is_upper(char32_t point);

// Decimal digits of every script as 0 to 9.
std::string ascii_digits(std::string_view text);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string title(std::string_view text);
std::string capitalize(std::string_view text);
std::string swapcase(std::string_view text);
std::string casefold(std::string_view text);

enum class Side { Left, Right, Both };
// `chars` empty: whitespace.
std::string_view strip(std::string_view text, Side side);
std::string strip(std::string_view text, std::string_view chars, Side side);

std::vector<std::string> split_lines(std::string_view text, bool keep_ends);
// On runs of whitespace; `limit` < 0: no limit.
std::vector<std::string> split_space(std::string_view text, int64_t limit);
std::vector<std::string> rsplit_space(std::string_view text, int64_t limit);
std::vector<std::string> split_on(std::string_view text, std::string_view separator, int64_t limit);
std::vector<std::string> rsplit_on(std::string_view text, std::string_view separator,
                                   int64_t limit);

// 'text' with Python's choice of quotes and escapes.
std::string repr(std::string_view text);
// The shortest digits that read back as `value`, as Python prints them: 1e+16, 0.1, nan.
std::string repr(double value);
// `text` inside JSON's quotes, as json.dumps writes it.
std::string json_quote(std::string_view text, bool ensure_ascii);

}  // namespace tunewright::text::python

#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tunewright::rows {

// Where the first byte stands that is no part of a UTF-8 character; none: all is well.
std::optional<size_t> first_invalid_utf8(std::string_view text);

// Bytes at the end of `text` that begin a character which the next bytes may complete; 0 to 3.
size_t unfinished_utf8(std::string_view text);

// Why `text` cannot be used as text: invalid UTF-8, or a NUL byte.  None: it can.
std::optional<std::string> text_problem(std::string_view text);

// Every byte that is no part of a UTF-8 character as U+FFFD.
std::string repaired_utf8(std::string_view text);

// Characters, for lengths and cutting.
size_t character_count(std::string_view text);

}  // namespace tunewright::rows

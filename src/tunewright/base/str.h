#pragma once
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright {

// All arguments, streamed one after the other: str(path, ": row ", 3).
template <class... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return std::move(out).str();
}

std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view ascii);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

// `text` with C0 controls escaped and cut to about `limit` bytes (at a UTF-8 boundary), for
// messages.
std::string excerpt(std::string_view text, size_t limit = 60);

// `text` for a terminal: control characters other than newline and tab are written out ("\x1b"), so
// that nobody's text moves the cursor or changes colours.
std::string without_controls(std::string_view text);

// The candidate with the smallest edit distance to `name`; empty where none is near.
std::string nearest(std::string_view name, std::span<const std::string> candidates);
// " (did you mean 'x'?)", or the list of what is allowed where none is near.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

// "1.50 GiB", "1.2M", "2 min 05 s".
std::string human_bytes(double bytes);
std::string human_count(double count);
std::string human_seconds(double seconds);
// Fixed-point text: fixed(3.14159, 2) == "3.14".
std::string fixed(double value, int digits);
std::string html_escape(std::string_view text);

}  // namespace tunewright

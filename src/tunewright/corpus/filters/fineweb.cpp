#include "tunewright/corpus/filters/fineweb.h"

#include <algorithm>
#include <vector>

#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/repetition.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

double ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

bool ends_well(std::string_view line) {
  return (flags_of(text::code_point_before(line, line.size()).value) & kTerminal) != 0;
}

void split_into_filled_lines(std::string_view text, std::vector<std::string_view>& lines) {
  lines.clear();
  for (size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (!stripped(line).empty()) lines.push_back(line);
    at = end + 1;
  }
}

}  // namespace

Verdict FineWebFilter::judge(Document& document, int64_t /*row*/) const {
  thread_local std::vector<std::string_view> lines;
  const auto text = document.text();
  split_into_filled_lines(text, lines);
  if (lines.empty()) return dropped("empty");
  const auto count = std::ssize(lines);
  const auto ended = ratio(std::ranges::count_if(lines, ends_well), count);
  if (ended < options_.min_line_punctuation_ratio) {
    return dropped(str("line_punct_ratio ", ended, " < ", options_.min_line_punctuation_ratio));
  }
  const auto is_short = [&](std::string_view line) {
    return character_count(line) <= options_.short_line_length;
  };
  const auto short_lines = ratio(std::ranges::count_if(lines, is_short), count);
  if (short_lines > options_.max_short_lines_ratio) {
    return dropped(str("short_line_ratio ", short_lines, " > ", options_.max_short_lines_ratio));
  }
  const auto newlines = std::ranges::count(text, '\n');
  const auto repeated =
      ratio(count_duplicates(lines).duplicate_characters, character_count(text) - newlines);
  if (repeated > options_.max_duplicate_characters_ratio) {
    return dropped(
        str("char_dup_ratio ", repeated, " > ", options_.max_duplicate_characters_ratio));
  }
  const auto list = ratio(newlines, std::ssize(words_of(text, options_.words)));
  if (list > options_.max_newline_ratio)
    return dropped(str("list_ratio ", list, " > ", options_.max_newline_ratio));
  return {};
}

}  // namespace tunewright::corpus

#include "tunewright/corpus/filters/length.h"

#include <algorithm>
#include <optional>

#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

int64_t character_count(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

int64_t word_count(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

std::optional<std::string> outside(const char* what, int64_t value, int64_t least, int64_t most) {
  if (value < least) return str(what, " ", value, " < ", least);
  if (most > 0 && value > most) return str(what, " ", value, " > ", most);
  return std::nullopt;
}

}  // namespace

Verdict LengthFilter::judge(Document& document, int64_t /*row*/) const {
  if (auto why = outside("characters", character_count(document.text()), options_.min_characters,
                         options_.max_characters)) {
    return dropped(std::move(*why));
  }
  if (auto why =
          outside("words", word_count(document.text()), options_.min_words, options_.max_words)) {
    return dropped(std::move(*why));
  }
  return {};
}

}  // namespace tunewright::corpus

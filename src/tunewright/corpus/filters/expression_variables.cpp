#include <algorithm>
#include <unordered_set>

#include "tunewright/corpus/filters/expression.h"
#include "tunewright/corpus/filters/language.h"
#include "tunewright/corpus/filters/word_rule.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

std::span<const std::string_view> words(const Document& document) {
  return words_of(document.text(), WordRule::kWhitespace);
}

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The share of characters with one of the flags.
template <uint32_t flag>
Json share(const Document& document) {
  const auto text = document.text();
  int64_t part = 0, whole = 0;
  for (size_t at = 0; at < text.size(); ++whole) {
    const auto [point, size] = text::code_point_at(text, at);
    if ((flags_of(point) & flag) != 0) ++part;
    at += size;
  }
  return ratio(part, whole);
}

Json symbol_share(const Document& document) {
  const auto text = document.text();
  int64_t part = 0, whole = 0;
  for (size_t at = 0; at < text.size(); ++whole) {
    const auto [point, size] = text::code_point_at(text, at);
    if ((flags_of(point) & (kLetter | kDigit | kSpace | kMark)) == 0) ++part;
    at += size;
  }
  return ratio(part, whole);
}

Json mean_word_length(const Document& document) {
  int64_t characters = 0;
  const auto all = words(document);
  for (const auto word : all) characters += character_count(word);
  return ratio(characters, std::ssize(all));
}

Json longest_word(const Document& document) {
  int64_t longest = 0;
  for (const auto word : words(document)) longest = std::max(longest, character_count(word));
  return longest;
}

Json unique_words_ratio(const Document& document) {
  const auto all = words(document);
  const std::unordered_set<std::string_view> unique(all.begin(), all.end());
  return ratio(std::ssize(unique), std::ssize(all));
}

Json lines(const Document& document) {
  int64_t count = 0;
  for_each_line(document.text(), [&](std::string_view) { ++count; });
  return count;
}

Json paragraphs(const Document& document) {
  int64_t count = 0;
  bool inside = false;
  for_each_line(document.text(), [&](std::string_view line) {
    const bool filled = !stripped(line).empty();
    count += filled && !inside ? 1 : 0;
    inside = filled;
  });
  return count;
}

Json language(const Document& document) {
  const auto noted = document.field("language");
  return noted.is_string() ? noted : Json(detect_language(document.text()).code);
}

}  // namespace

std::vector<ExpressionVariable> expression_variables() {
  return {
      {"characters", "code points of the row's texts",
       [](const Document& d) { return Json(character_count(d.text())); }},
      {"bytes", "bytes of them", [](const Document& d) { return Json(d.text().size()); }},
      {"words", "words, parted by white space",
       [](const Document& d) { return Json(std::ssize(words(d))); }},
      {"lines", "lines", lines},
      {"paragraphs", "runs of lines with empty ones between", paragraphs},
      {"texts", "number of texts (turns)",
       [](const Document& d) { return Json(std::ssize(d.texts())); }},
      {"mean_word_length", "characters a word", mean_word_length},
      {"longest_word", "characters of the longest word", longest_word},
      {"unique_words_ratio", "different words a word", unique_words_ratio},
      {"digits_ratio", "share of characters that are digits", share<kDigit>},
      {"alphabetic_ratio", "share of characters that are letters", share<kLetter>},
      {"uppercase_ratio", "share of characters that are capitals", share<kUppercase>},
      {"whitespace_ratio", "share of characters that are white space", share<kSpace>},
      {"punctuation_ratio", "share of characters that are punctuation", share<kPunctuation>},
      {"symbol_ratio", "share of characters that are no letter, digit or space", symbol_share},
      {"text", "the texts themselves",
       [](const Document& d) { return Json(std::string(d.text())); }},
      {"lang", "the row's field `language`, else what is detected", language},
      {"language", "the same", language},
      {"language_confidence", "of the detection, 0 to 1",
       [](const Document& d) { return Json(detect_language(d.text()).confidence); }},
  };
}

}  // namespace tunewright::corpus

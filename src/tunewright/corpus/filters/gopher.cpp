#include "tunewright/corpus/filters/gopher.h"

#include <algorithm>
#include <optional>

#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/repetition.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

using Words = std::span<const std::string_view>;
using Reason = std::optional<std::string>;

// A limit of 0 is none; a share of nothing is 0.
double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}
Reason above(const char* name, double value, double limit) {
  if (limit == 0 || !(value > limit)) return std::nullopt;
  return str(name, " ", value, " > ", limit);
}
Reason below(const char* name, double value, double limit) {
  if (limit == 0 || !(value < limit)) return std::nullopt;
  return str(name, " ", value, " < ", limit);
}

int64_t occurrences(std::string_view text, std::string_view part) {
  int64_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size()))
    ++count;
  return count;
}

struct WordCounts {
  int64_t words = 0, with_letter = 0;
  int64_t real = 0, real_characters = 0;  // not symbols alone
};

WordCounts count_words(Words words) {
  WordCounts counts{.words = std::ssize(words)};
  for (const auto word : words) {
    uint32_t any = 0, all = ~uint32_t{0};
    int64_t characters = 0;
    for (size_t at = 0; at < word.size(); ++characters) {
      const auto [point, size] = text::code_point_at(word, at);
      const auto flags = flags_of(point);
      any |= flags;
      all &= flags;
      at += size;
    }
    if ((any & kLetter) != 0) ++counts.with_letter;
    if ((all & kSymbol) != 0) continue;
    ++counts.real;
    counts.real_characters += characters;
  }
  return counts;
}

struct LineCounts {
  int64_t lines = 0, bullets = 0, ellipses = 0;
};

LineCounts count_lines(std::string_view text) {
  LineCounts counts;
  for_each_line(text, [&](std::string_view line) {
    ++counts.lines;
    line = stripped(line);
    if (line.starts_with("•") || line.starts_with("-")) ++counts.bullets;
    if (line.ends_with("...") || line.ends_with("…")) ++counts.ellipses;
  });
  return counts;
}

int64_t count_stop_words(Words words, const std::vector<std::string>& stop_words) {
  return std::ranges::count_if(stop_words, [&](const std::string& stop_word) {
    return std::ranges::find(words, stop_word) != words.end();
  });
}

Reason quality_fault(std::string_view text, Words words, const GopherOptions& o) {
  const auto counts = count_words(words);
  const auto real = static_cast<double>(counts.real);
  if (auto why = below("gopher_short_doc", real, static_cast<double>(o.min_words))) return why;
  if (auto why = above("gopher_long_doc", real, static_cast<double>(o.max_words))) return why;
  if (counts.real > 0) {
    const auto mean = ratio(counts.real_characters, counts.real);
    if (auto why = below("gopher_below_avg_threshold", mean, o.min_mean_word_length)) return why;
    if (auto why = above("gopher_above_avg_threshold", mean, o.max_mean_word_length)) return why;
  }
  const auto hashes = ratio(std::ranges::count(text, '#'), counts.words);
  if (auto why = above("gopher_too_many_hashes", hashes, o.max_symbol_word_ratio)) return why;
  const auto ellipses = ratio(occurrences(text, "...") + occurrences(text, "…"), counts.words);
  if (auto why = above("gopher_too_many_ellipsis", ellipses, o.max_symbol_word_ratio)) return why;
  const auto lines = count_lines(text);
  if (auto why = above("gopher_too_many_bullets", ratio(lines.bullets, lines.lines),
                       o.max_bullet_lines_ratio))
    return why;
  if (auto why = above("gopher_too_many_end_ellipsis", ratio(lines.ellipses, lines.lines),
                       o.max_ellipsis_lines_ratio))
    return why;
  if (auto why = below("gopher_below_alpha_threshold", ratio(counts.with_letter, counts.words),
                       o.min_alphabetic_words_ratio))
    return why;
  return below("gopher_enough_stop_words",
               static_cast<double>(count_stop_words(words, o.stop_words)),
               static_cast<double>(o.min_stop_words));
}

Reason piece_fault(std::string_view text, const GopherOptions& o) {
  thread_local std::vector<std::string_view> pieces;
  const auto characters = character_count(text);
  split_at_newlines(stripped(text), 2, pieces);
  const auto paragraphs = count_duplicates(pieces);
  if (auto why = above("dup_para_frac", ratio(paragraphs.duplicates, paragraphs.pieces),
                       o.max_duplicate_paragraphs))
    return why;
  if (auto why = above("dup_para_char_frac", ratio(paragraphs.duplicate_characters, characters),
                       o.max_duplicate_paragraph_characters))
    return why;
  split_at_newlines(text, 1, pieces);
  const auto lines = count_duplicates(pieces);
  if (auto why =
          above("dup_line_frac", ratio(lines.duplicates, lines.pieces), o.max_duplicate_lines))
    return why;
  return above("dup_line_char_frac", ratio(lines.duplicate_characters, characters),
               o.max_duplicate_line_characters);
}

Reason ngram_fault(std::string_view text, Words words, const GopherOptions& o) {
  thread_local NgramShares shares;
  const auto characters = character_count(text);
  shares.read(words);
  for (size_t i = 0; i < o.max_top_ngrams.size(); ++i) {
    if (auto why = above("_gram", ratio(shares.top(i + 2), characters), o.max_top_ngrams[i]))
      return str("top_", i + 2, *why);
  }
  for (size_t i = 0; i < o.max_duplicate_ngrams.size(); ++i) {
    if (auto why = above("_n_grams", ratio(shares.duplicates(i + 5), characters),
                         o.max_duplicate_ngrams[i]))
      return str("duplicated_", i + 5, *why);
  }
  return std::nullopt;
}

}  // namespace

Verdict GopherFilter::judge(Document& document, int64_t /*row*/) const {
  const auto text = document.text();
  if (options_.repetition && text.empty()) return dropped("empty");
  if (options_.repetition) {
    if (auto why = piece_fault(text, options_)) return dropped(std::move(*why));
  }
  const auto words = words_of(text, options_.words);
  if (options_.repetition) {
    if (auto why = ngram_fault(text, words, options_)) return dropped(std::move(*why));
  }
  if (options_.quality) {
    if (auto why = quality_fault(text, words, options_)) return dropped(std::move(*why));
  }
  return {};
}

}  // namespace tunewright::corpus

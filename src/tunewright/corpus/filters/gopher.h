#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tunewright/corpus/filters/word_rule.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// The rules of Gopher (arXiv 2112.11446, table A1 and section A.1.1) with their numbers, decided as
// datatrove 0.10.1 does, which also names the reasons.  Any limit of 0 turns its rule off.
struct GopherOptions {
  bool quality = true, repetition = true;
  WordRule words = WordRule::kEnglish;
  int64_t min_words = 50, max_words = 100000;
  double min_mean_word_length = 3, max_mean_word_length = 10;
  double max_symbol_word_ratio = 0.1;
  double max_bullet_lines_ratio = 0.9;
  double max_ellipsis_lines_ratio = 0.3;
  double min_alphabetic_words_ratio = 0.8;
  int64_t min_stop_words = 2;
  std::vector<std::string> stop_words = {"the", "be", "to", "of", "and", "that", "have", "with"};
  double max_duplicate_lines = 0.3, max_duplicate_paragraphs = 0.3;
  double max_duplicate_line_characters = 0.2, max_duplicate_paragraph_characters = 0.2;
  std::vector<double> max_top_ngrams = {0.2, 0.18, 0.16};
  std::vector<double> max_duplicate_ngrams = {0.15, 0.14, 0.13, 0.12, 0.11, 0.10};
};

template <class V>
void fields(V& v, GopherOptions& o) {
  v("quality", o.quality, "The rules of quality.");
  v("repetition", o.repetition, "The rules of repetition.");
  v.choice("words", o.words, kWordRules, kWordRuleHelp);
  v("min_words", o.min_words, "Fewest words that are not symbols alone.");
  v("max_words", o.max_words, "Most words.");
  v("min_mean_word_length", o.min_mean_word_length, "Least mean length of words.");
  v("max_mean_word_length", o.max_mean_word_length, "Largest mean length of words.");
  v("max_symbol_word_ratio", o.max_symbol_word_ratio, "Most hashes, or ellipses, a word.");
  v("max_bullet_lines_ratio", o.max_bullet_lines_ratio, "Most lines that begin with a bullet.");
  v("max_ellipsis_lines_ratio", o.max_ellipsis_lines_ratio, "Most lines that end in an ellipsis.");
  v("min_alphabetic_words_ratio", o.min_alphabetic_words_ratio, "Fewest words with a letter.");
  v("min_stop_words", o.min_stop_words, "Fewest different stop words.");
  v("stop_words", o.stop_words, "The stop words, case and all.");
  v("max_duplicate_lines", o.max_duplicate_lines, "Most lines that repeat an earlier one.");
  v("max_duplicate_paragraphs", o.max_duplicate_paragraphs, "Most paragraphs that do.");
  v("max_duplicate_line_characters", o.max_duplicate_line_characters, "Their characters' share.");
  v("max_duplicate_paragraph_characters", o.max_duplicate_paragraph_characters,
    "Those paragraphs' share.");
  v("max_top_ngrams", o.max_top_ngrams, "Share of the most frequent n-gram, from 2 words on.");
  v("max_duplicate_ngrams", o.max_duplicate_ngrams, "Share of repeated n-grams, from 5 words on.");
}

class GopherFilter final : public Step {
 public:
  explicit GopherFilter(const GopherOptions& options) : options_(options) {}
  Verdict judge(Document& document, int64_t row) const override;

 private:
  GopherOptions options_;
};

}  // namespace tunewright::corpus

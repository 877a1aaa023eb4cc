#pragma once
#include <cstdint>

#include "tunewright/corpus/filters/word_rule.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// FineWeb's own rules of quality (arXiv 2406.17557, section 3.6), decided as datatrove 0.10.1 does.
struct FineWebOptions {
  WordRule words = WordRule::kEnglish;
  double min_line_punctuation_ratio = 0.12;
  double max_short_lines_ratio = 0.67;
  int64_t short_line_length = 30;
  double max_duplicate_characters_ratio = 0.01;
  double max_newline_ratio = 0.3;
};

template <class V>
void fields(V& v, FineWebOptions& o) {
  v.choice("words", o.words, kWordRules, kWordRuleHelp);
  v("min_line_punctuation_ratio", o.min_line_punctuation_ratio,
    "Fewest lines that end in a full stop or the like.");
  v("max_short_lines_ratio", o.max_short_lines_ratio, "Most lines that are short.");
  v("short_line_length", o.short_line_length, "Characters of a short line at most.");
  v("max_duplicate_characters_ratio", o.max_duplicate_characters_ratio,
    "Most characters in lines that repeat an earlier one.");
  v("max_newline_ratio", o.max_newline_ratio, "Most newlines a word.");
}

class FineWebFilter final : public Step {
 public:
  explicit FineWebFilter(const FineWebOptions& options) : options_(options) {}
  Verdict judge(Document& document, int64_t row) const override;

 private:
  FineWebOptions options_;
};

}  // namespace tunewright::corpus

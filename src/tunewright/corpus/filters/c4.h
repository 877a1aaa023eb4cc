#pragma once
#include <cstdint>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// C4's rules (arXiv 1910.10683, section 2.2), decided as datatrove 0.10.1 does: lines that are no
// prose are cut out, and rows that have too few sentences left are dropped.  Limits of -1 turn
// their rule off.
struct C4Options {
  bool remove_lines = true;
  bool remove_citations = true;
  bool require_terminal_punctuation = true;
  int64_t min_sentences = 5;
  int64_t min_words_per_line = 3;
  int64_t max_word_length = 1000;
  bool filter_lorem_ipsum = true, filter_javascript = true, filter_curly_bracket = true;
  bool filter_policy = true;
  int64_t min_paragraphs = 0;
  int64_t min_paragraph_length = 200;
};

template <class V>
void fields(V& v, C4Options& o) {
  v("remove_lines", o.remove_lines,
    "Rows of one text lose their refused lines; false: lines only decide, as in rows of several.");
  v("remove_citations", o.remove_citations, "Takes out [1], [edit] and [citation needed].");
  v("require_terminal_punctuation", o.require_terminal_punctuation,
    "Refuses lines that do not end in . ? ! \" or '.");
  v("min_sentences", o.min_sentences, "Fewest sentences left of a row; -1: any number.");
  v("min_words_per_line", o.min_words_per_line, "Fewest words of a line; -1: any number.");
  v("max_word_length", o.max_word_length, "Refuses lines with a longer word; -1: any length.");
  v("filter_lorem_ipsum", o.filter_lorem_ipsum, "Drops rows with \"lorem ipsum\".");
  v("filter_javascript", o.filter_javascript, "Refuses lines with \"javascript\".");
  v("filter_curly_bracket", o.filter_curly_bracket, "Drops rows with a {.");
  v("filter_policy", o.filter_policy, "Refuses lines on cookies, privacy and terms of use.");
  v("min_paragraphs", o.min_paragraphs,
    "mC4's rule: fewest lines of min_paragraph_length (3 there); 0: any number.");
  v("min_paragraph_length", o.min_paragraph_length, "Characters of such a line at least.");
}

class C4Filter final : public Step {
 public:
  explicit C4Filter(const C4Options& options) : options_(options) {}
  Verdict judge(Document& document, int64_t row) const override;

 private:
  C4Options options_;
};

}  // namespace tunewright::corpus

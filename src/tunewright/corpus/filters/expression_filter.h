#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "tunewright/corpus/filters/expression.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct ExpressionOptions {
  std::string keep;
};

template <class V>
void fields(V& v, ExpressionOptions& o) {
  v("keep", o.keep,
    "Rows for which this is true stay: words > 5 and lang == \"en\".  It may use characters, "
    "bytes, "
    "words, lines, paragraphs, texts, mean_word_length, longest_word, unique_words_ratio, "
    "digits_ratio, alphabetic_ratio, uppercase_ratio, whitespace_ratio, punctuation_ratio, "
    "symbol_ratio, text, lang, language_confidence, and the row's fields by name (row.words where "
    "one is called as these); or and not in == != < <= > >= + - * / %; len lower min max contains "
    "startswith endswith.");
}

class ExpressionFilter final : public Step {
 public:
  explicit ExpressionFilter(const ExpressionOptions& options);
  Verdict judge(Document& document, int64_t row) const override;
  // Fields that rows did not have: a misspelt name is one that none has.
  Json summary() const override;

 private:
  ExpressionOptions options_;
  Expression expression_;
  mutable std::vector<std::atomic<int64_t>> missing_;  // by field
};

}  // namespace tunewright::corpus

#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct DecontaminateOptions {
  std::vector<std::string> against;
  int64_t ngram = 13;
  int64_t min_words = 8;
};

template <class V>
void fields(V& v, DecontaminateOptions& o) {
  v("against", o.against,
    "Evaluation files (JSON Lines) that no row may share a run of words with.");
  v("ngram", o.ngram, "Words of a run that count as shared.");
  v("min_words", o.min_words,
    "Evaluation texts with fewer words than a run, but at least these, count as a whole.");
}

// The words that runs are made of, as GPT-3's appendix C has them (arXiv 2005.14165): lower case,
// punctuation taken out, parted by white space.
void append_plain_words(std::string_view text, std::vector<std::string>& words);

// Drops each row that shares a run of `ngram` words with an evaluation row.  The texts of a row are
// taken as one, in the order of the line, so that a question with its answer is one run too.
class Decontaminate final : public Step {
 public:
  explicit Decontaminate(const DecontaminateOptions& options);
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Source {
    uint32_t file = 0;
    int64_t row = 0;
  };
  using Runs = std::unordered_map<uint64_t, Source>;
  void read_file(uint32_t file);

  DecontaminateOptions options_;
  std::vector<std::pair<int64_t, Runs>> runs_;  // by their number of words
  int64_t evaluation_rows_ = 0, short_rows_ = 0;
};

}  // namespace tunewright::corpus

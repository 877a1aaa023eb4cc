#pragma once
#include <cstdint>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct LengthOptions {
  int64_t min_characters = 1, max_characters = 0;  // of all texts together; 0: no limit
  int64_t min_words = 0, max_words = 0;            // split at white space; 0: no limit
};

template <class V>
void fields(V& v, LengthOptions& o) {
  v("min_characters", o.min_characters, "Fewest characters (code points) of a row.");
  v("max_characters", o.max_characters, "Most characters; 0: no limit.");
  v("min_words", o.min_words, "Fewest words, split at white space.");
  v("max_words", o.max_words, "Most words; 0: no limit.");
}

class LengthFilter final : public Step {
 public:
  explicit LengthFilter(const LengthOptions& options) : options_(options) {}
  Verdict judge(Document& document, int64_t row) const override;

 private:
  LengthOptions options_;
};

}  // namespace tunewright::corpus

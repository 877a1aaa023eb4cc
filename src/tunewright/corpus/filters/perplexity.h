#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/scorer.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct PerplexityOptions {
  std::string model;
  double min_perplexity = 0, max_perplexity = 1500;
  int64_t min_tokens = 0, max_tokens = 0;
  std::string field;
};

template <class V>
void fields(V& v, PerplexityOptions& o) {
  v("model", o.model, "Folder of the model.");
  v("min_perplexity", o.min_perplexity, "Least perplexity a token; 0: no limit.");
  v("max_perplexity", o.max_perplexity, "Largest perplexity a token; 0: no limit.");
  v("min_tokens", o.min_tokens, "Fewest tokens of a row.");
  v("max_tokens", o.max_tokens, "Most tokens of a row; 0: no limit.");
  v("field", o.field, "Field that takes the perplexity of kept rows; empty: none.");
}

// Scores whole batches while it reads ahead, as models like it.
class PerplexityFilter final : public Step {
 public:
  PerplexityFilter(const PerplexityOptions& options, const StepContext& context);
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  Verdict judge(Document& document, int64_t row) const override;

 private:
  struct Score {
    double perplexity = 0;  // 0: the text is too short for one
    int64_t tokens = 0;
  };
  struct Scores;

  PerplexityOptions options_;
  std::shared_ptr<const Scorer> scorer_;
  std::vector<std::pair<int64_t, Score>> scores_;  // by row
};

}  // namespace tunewright::corpus

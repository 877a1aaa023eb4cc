#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/scorer.h"
#include "tunewright/corpus/step.h"
#include "tunewright/corpus/text/character_model.h"

namespace tunewright::corpus {

enum class OutlierRule { kIqr, kZScore };
inline constexpr std::array<std::pair<const char*, OutlierRule>, 2> kOutlierRules = {
    {{"iqr", OutlierRule::kIqr}, {"zscore", OutlierRule::kZScore}}};

struct OutlierOptions {
  bool length = true, ngram = true, embedding = false, loss = false;
  OutlierRule rule = OutlierRule::kIqr;
  double iqr = 3, zscore = 3;
  std::string model;
};

template <class V>
void fields(V& v, OutlierOptions& o) {
  v("length", o.length,
    "Rows far shorter or longer than the others, by the logarithm of characters.");
  v("ngram", o.ngram, "Rows whose spelling surprises a character 5-gram model of the other rows.");
  v("embedding", o.embedding, "Rows far from the others' centre, by the cosine of embeddings.");
  v("loss", o.loss, "Rows on which the base model's loss a token is far above the others'.");
  v.choice("rule", o.rule, kOutlierRules, "What is far.");
  v("iqr", o.iqr, "Rule iqr: so many ranges between the quartiles away from the nearer quartile.");
  v("zscore", o.zscore, "Rule zscore: so many standard deviations away from the mean.");
  v("model", o.model, "Folder of the model, for embedding and loss.");
}

// What is usual of a value.
struct Bounds {
  double low = 0, high = 0;
};
// Quartiles as numpy interpolates them; standard deviation of a population.
Bounds usual_bounds(std::vector<double> values, const OutlierOptions& options);

// Reads the rows once to learn what is usual; limits of the n-grams and embeddings are taken from a
// sample of 4096 rows, so memory stays bounded.
class OutlierFilter final : public Step {
 public:
  OutlierFilter(const OutlierOptions& options, const StepContext& context);
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Sample {
    uint64_t order = 0;  // by the row: those that are least are kept
    std::string text;
    std::vector<float> embedding;
  };
  struct Read;
  void trim_sample(size_t most);
  double distance(std::span<const float> embedding) const;

  OutlierOptions options_;
  std::shared_ptr<const Scorer> scorer_;  // null where no option asks for one
  CharacterModel characters_;
  std::vector<double> lengths_;
  std::vector<std::pair<int64_t, double>> losses_;  // by row
  std::vector<double> centre_;
  std::vector<Sample> sample_;
  Bounds length_, ngram_, embedding_, loss_;
};

}  // namespace tunewright::corpus

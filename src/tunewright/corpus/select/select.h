#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class SelectMethod { kScore, kDiverse, kCurriculum };
inline constexpr std::array kSelectNames = {std::pair{"score", SelectMethod::kScore},
                                            std::pair{"diverse", SelectMethod::kDiverse},
                                            std::pair{"curriculum", SelectMethod::kCurriculum}};
enum class ScoreOrder { kHighest, kLowest };
inline constexpr std::array kScoreOrderNames = {std::pair{"highest", ScoreOrder::kHighest},
                                                std::pair{"lowest", ScoreOrder::kLowest}};

struct SelectOptions {
  SelectMethod method = SelectMethod::kScore;
  int64_t count = 0;  // of rows; 0: by fraction
  double fraction = 0.5;
  std::string score_field;  // empty: score takes `loss`, curriculum the number of words
  ScoreOrder prefer = ScoreOrder::kHighest;
  std::string embedding_field = "embedding";
  int64_t dimensions = 256;  // of the hashed words, where a row has no embedding
};

template <class V>
void fields(V& v, SelectOptions& o) {
  v.choice("method", o.method, kSelectNames,
           "The best by a score (loss: most informative), the most diverse (greedy k-center), or "
           "all, from easy to hard.");
  v("count", o.count, "Rows to keep; 0: by fraction.");
  v("fraction", o.fraction, "Share of the rows to keep.");
  v("score_field", o.score_field,
    "Number to go by; empty: `loss`, and for curriculum the number of words.");
  v.choice("prefer", o.prefer, kScoreOrderNames, "Which scores to keep.");
  v("embedding_field", o.embedding_field,
    "List of numbers that diverse measures by; where no row has it, hashed words are taken.");
  v("dimensions", o.dimensions, "Of the hashed words.");
}

// Keeps the rows that promise most, or puts them in the order of a curriculum.
class Select final : public Step {
 public:
  explicit Select(const SelectOptions& options);

  bool needs_text() const override { return false; }
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  std::optional<std::vector<int64_t>> order() const override;
  Json summary() const override;

 private:
  // What a row is judged by, or why it cannot be.
  struct Measure {
    std::optional<double> score;
    std::vector<float> embedding, hashed;
    std::string problem;
  };
  struct Measures;
  Measure measure(const Document& document) const;
  size_t wanted(size_t rows) const;
  void select_by_score();
  void select_diverse(Reporter& reporter);

  SelectOptions options_;
  std::vector<std::pair<int64_t, double>> scores_;  // row and score, while they are read
  std::vector<int64_t> embedded_rows_, hashed_rows_;
  std::vector<float> embeddings_, hashed_;
  int64_t embedding_size_ = 0;  // as the first row has it
  std::string first_problem_;
  bool by_embedding_ = false;
  std::vector<int64_t> selected_;  // rows, ascending
  std::vector<int64_t> order_;     // of the curriculum
  size_t usable_ = 0;
  double radius_ = 0;  // of diverse: no row is further from a kept one
};

}  // namespace tunewright::corpus

#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tunewright::eval {

inline constexpr int64_t kInvalid = -1;  // an answer that is none of the labels

// What one row contributes to every metric.
struct RowScore {
  int64_t reference = kInvalid;  // index of the label; classification only
  int64_t predicted = kInvalid;
  double exact_match = 0, exact_match_raw = 0, token_f1 = 0;
  double loss_sum = 0;  // negative log-likelihood of the supervised tokens, natural logarithm
  int64_t loss_tokens = 0;
  std::vector<double> values;  // what the task's own figures are made of (figure.h)
  int64_t group = kInvalid;    // index of what the row belongs to, where a task has groups
};

struct Figure;

// A figure of a task: one of those that every task knows, or one of the task's own.
class Metric {
 public:
  enum Kind {
    kAccuracy,
    kMacroF1,
    kMicroF1,
    kWeightedF1,
    kExactMatch,
    kExactMatchRaw,
    kTokenF1,
    kLoss,
    kPerplexity,
    kFigure
  };
  constexpr Metric(Kind kind = kAccuracy) : kind_(kind) {}  // NOLINT(google-explicit-constructor)
  // `figure` is borrowed: it belongs to the task.
  constexpr explicit Metric(const Figure& figure) : kind_(kFigure), figure_(&figure) {}

  constexpr Kind kind() const { return kind_; }
  constexpr const Figure* figure() const { return figure_; }
  friend constexpr bool operator==(const Metric&, const Metric&) = default;

 private:
  Kind kind_;
  const Figure* figure_ = nullptr;
};
inline constexpr std::array kMetricNames = {std::pair{"accuracy", Metric::kAccuracy},
                                            std::pair{"macro_f1", Metric::kMacroF1},
                                            std::pair{"micro_f1", Metric::kMicroF1},
                                            std::pair{"weighted_f1", Metric::kWeightedF1},
                                            std::pair{"exact_match", Metric::kExactMatch},
                                            std::pair{"exact_match_raw", Metric::kExactMatchRaw},
                                            std::pair{"token_f1", Metric::kTokenF1},
                                            std::pair{"loss", Metric::kLoss},
                                            std::pair{"perplexity", Metric::kPerplexity}};
const char* name_of(Metric metric);
// Loss and perplexity: a smaller figure is the better one.
bool lower_is_better(Metric metric);
bool needs_labels(Metric metric);
bool needs_loss(Metric metric);

// counts[r * (labels + 1) + p]: rows of label r answered as label p; the last column counts invalid
// answers.
struct Confusion {
  int64_t labels = 0;
  std::vector<int64_t> counts;
  int64_t at(int64_t reference, int64_t predicted) const;
  int64_t invalid() const;
};
// `rows`: indices into `scores`, repeated as often as they are drawn.
Confusion confusion(std::span<const RowScore> scores, std::span<const int64_t> rows,
                    int64_t labels);

struct ClassScore {
  double precision = 0, recall = 0, f1 = 0;  // 0 where undefined, as scikit-learn's zero_division=0
  int64_t support = 0;                       // rows of this label
};
std::vector<ClassScore> class_scores(const Confusion& confusion);

// Shares are between 0 and 1; averages run over all `labels`.  Loss is the mean over all supervised
// tokens, perplexity its exponential.  No rows: not a number.
double compute(Metric metric, std::span<const RowScore> scores, std::span<const int64_t> rows,
               int64_t labels);

// 0, 1, …, count - 1.
std::vector<int64_t> all_rows(size_t count);

}  // namespace tunewright::eval

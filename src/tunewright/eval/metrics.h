#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/metrics/table.h"

namespace tunewright::eval {

inline constexpr int64_t kInvalid = -1;  // an answer that is none of the labels

// What one row contributes to every metric.
struct RowScore {
  int64_t reference = kInvalid;  // index of the label; classification only
  int64_t predicted = kInvalid;
  double exact_match = 0, token_f1 = 0;
  double loss_sum = 0;  // negative log-likelihood of the supervised tokens, natural logarithm
  int64_t loss_tokens = 0;
  std::vector<double> probabilities;  // that the model gives each label; empty: not known
  std::vector<double> values;         // what the task's own figures are made of (figure.h)
  int64_t group = kInvalid;           // index of what the row belongs to, where a task has groups
};

struct Figure;

// A figure of a task: the loss, one of the table of metrics, or one of the task's own.
class Metric {
 public:
  enum Kind { kLoss, kPerplexity, kTable, kFigure };
  constexpr Metric(Kind kind = kLoss) : kind_(kind) {}  // NOLINT(google-explicit-constructor)
  // A line of the table, by its name.
  explicit Metric(std::string_view name) : kind_(kTable), line_(&metrics::find_metric(name)) {}
  // `figure` is borrowed: it belongs to the task.
  constexpr explicit Metric(const Figure& figure) : kind_(kFigure), figure_(&figure) {}

  constexpr Kind kind() const { return kind_; }
  constexpr const metrics::Metric* line() const { return line_; }
  constexpr const Figure* figure() const { return figure_; }
  friend constexpr bool operator==(const Metric&, const Metric&) = default;

 private:
  Kind kind_;
  const metrics::Metric* line_ = nullptr;
  const Figure* figure_ = nullptr;
};
inline constexpr std::array kLossNames = {std::pair{"loss", Metric::kLoss},
                                          std::pair{"perplexity", Metric::kPerplexity}};
const char* name_of(Metric metric);
bool lower_is_better(Metric metric);
// Whether a difference can be called better or worse.
bool is_judged(Metric metric);
// The largest figure there can be: 1 of a share, 100 of BLEU, metrics::kWithoutEnd of a perplexity.
double full_figure(Metric metric);
bool needs_loss(Metric metric);           // tokens of the references are scored
bool needs_probabilities(Metric metric);  // of the labels

// Of loss, perplexity (the mean over all supervised tokens, its exponential) and the task's own
// figures.  No rows: not a number.
double compute(Metric metric, std::span<const RowScore> scores, std::span<const int64_t> rows);

// 0, 1, …, count - 1.
std::vector<int64_t> all_rows(size_t count);

}  // namespace tunewright::eval

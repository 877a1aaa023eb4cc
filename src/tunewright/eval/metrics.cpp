#include "tunewright/eval/metrics.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/eval/figure.h"

namespace tunewright::eval {
namespace {

double ratio(double part, double whole) { return whole == 0 ? 0.0 : part / whole; }

double mean_of(double RowScore::* member, std::span<const RowScore> scores,
               std::span<const int64_t> rows) {
  double sum = 0;
  for (const auto row : rows) sum += scores[static_cast<size_t>(row)].*member;
  return sum / static_cast<double>(rows.size());
}

double mean_loss(std::span<const RowScore> scores, std::span<const int64_t> rows) {
  double sum = 0;
  int64_t tokens = 0;
  for (const auto row : rows) {
    sum += scores[static_cast<size_t>(row)].loss_sum;
    tokens += scores[static_cast<size_t>(row)].loss_tokens;
  }
  return sum / static_cast<double>(tokens);
}

double accuracy(const Confusion& table, size_t rows) {
  int64_t correct = 0;
  for (int64_t label = 0; label < table.labels; ++label) correct += table.at(label, label);
  return static_cast<double>(correct) / static_cast<double>(rows);
}

double macro_f1(const Confusion& table) {
  double sum = 0;
  for (const auto& score : class_scores(table)) sum += score.f1;
  return sum / static_cast<double>(table.labels);
}

double weighted_f1(const Confusion& table) {
  double sum = 0, support = 0;
  for (const auto& score : class_scores(table)) {
    sum += score.f1 * static_cast<double>(score.support);
    support += static_cast<double>(score.support);
  }
  return ratio(sum, support);
}

double micro_f1(const Confusion& table) {
  double correct = 0, wrong_positive = 0, missed = 0;
  for (int64_t reference = 0; reference < table.labels; ++reference) {
    for (int64_t predicted = 0; predicted <= table.labels; ++predicted) {
      const auto count = static_cast<double>(table.at(reference, predicted));
      if (reference == predicted) {
        correct += count;
      } else {
        missed += count;
        wrong_positive += predicted < table.labels ? count : 0;
      }
    }
  }
  return ratio(2 * correct, 2 * correct + wrong_positive + missed);
}

}  // namespace

const char* name_of(Metric metric) {
  if (metric.figure()) return metric.figure()->name.c_str();
  for (const auto& [name, meaning] : kMetricNames) {
    if (meaning == metric) return name;
  }
  TUNEWRIGHT_ASSERT(!"every metric has a name");
  return "";
}

bool lower_is_better(Metric metric) {
  return metric.figure() ? metric.figure()->lower_is_better : needs_loss(metric);
}

bool needs_labels(Metric metric) {
  return metric == Metric::kAccuracy || metric == Metric::kMacroF1 || metric == Metric::kMicroF1 ||
         metric == Metric::kWeightedF1;
}

bool needs_loss(Metric metric) { return metric == Metric::kLoss || metric == Metric::kPerplexity; }

int64_t Confusion::at(int64_t reference, int64_t predicted) const {
  return counts[static_cast<size_t>(reference * (labels + 1) + predicted)];
}

int64_t Confusion::invalid() const {
  int64_t sum = 0;
  for (int64_t reference = 0; reference < labels; ++reference) sum += at(reference, labels);
  return sum;
}

Confusion confusion(std::span<const RowScore> scores, std::span<const int64_t> rows,
                    int64_t labels) {
  Confusion table{.labels = labels,
                  .counts = std::vector<int64_t>(static_cast<size_t>(labels * (labels + 1)))};
  for (const auto row : rows) {
    const auto& score = scores[static_cast<size_t>(row)];
    TUNEWRIGHT_ASSERT(score.reference >= 0 && score.reference < labels && score.predicted < labels);
    const auto predicted = score.predicted == kInvalid ? labels : score.predicted;
    ++table.counts[static_cast<size_t>(score.reference * (labels + 1) + predicted)];
  }
  return table;
}

std::vector<ClassScore> class_scores(const Confusion& table) {
  std::vector<ClassScore> scores;
  for (int64_t label = 0; label < table.labels; ++label) {
    int64_t support = 0, answered = 0;
    for (int64_t predicted = 0; predicted <= table.labels; ++predicted)
      support += table.at(label, predicted);
    for (int64_t reference = 0; reference < table.labels; ++reference)
      answered += table.at(reference, label);
    const auto correct = static_cast<double>(table.at(label, label));
    scores.push_back({.precision = ratio(correct, static_cast<double>(answered)),
                      .recall = ratio(correct, static_cast<double>(support)),
                      .f1 = ratio(2 * correct, static_cast<double>(answered + support)),
                      .support = support});
  }
  return scores;
}

double compute(Metric metric, std::span<const RowScore> scores, std::span<const int64_t> rows,
               int64_t labels) {
  if (rows.empty()) return std::numeric_limits<double>::quiet_NaN();
  switch (metric.kind()) {
    case Metric::kAccuracy:
      return accuracy(confusion(scores, rows, labels), rows.size());
    case Metric::kMacroF1:
      return macro_f1(confusion(scores, rows, labels));
    case Metric::kMicroF1:
      return micro_f1(confusion(scores, rows, labels));
    case Metric::kWeightedF1:
      return weighted_f1(confusion(scores, rows, labels));
    case Metric::kExactMatch:
      return mean_of(&RowScore::exact_match, scores, rows);
    case Metric::kExactMatchRaw:
      return mean_of(&RowScore::exact_match_raw, scores, rows);
    case Metric::kTokenF1:
      return mean_of(&RowScore::token_f1, scores, rows);
    case Metric::kLoss:
      return mean_loss(scores, rows);
    case Metric::kPerplexity:
      return std::exp(mean_loss(scores, rows));
    case Metric::kFigure:
      return compute(*metric.figure(), scores, rows);
  }
  TUNEWRIGHT_ASSERT(!"every metric is computed");
  return 0;
}

std::vector<int64_t> all_rows(size_t count) {
  std::vector<int64_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

}  // namespace tunewright::eval

#include "tunewright/eval/compare.h"

#include <cmath>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

using metrics::PredictionRow;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Both runs, the judged model's rows first: what resampling draws from.
struct Pool {
  std::vector<RowScore> scores;
  std::vector<PredictionRow> rows;
  metrics::MetricOptions options;
  int64_t row_count = 0;  // of each run
  bool compared = false;

  std::span<const PredictionRow> of_candidate() const {
    return std::span(rows).first(static_cast<size_t>(row_count));
  }
  std::span<const PredictionRow> of_baseline() const {
    return std::span(rows).subspan(static_cast<size_t>(row_count));
  }
};

Pool pool_of(const Task& task, const TaskRun& candidate, const TaskRun* baseline) {
  Pool pool{.scores = candidate.scores, .rows = {}, .options = metric_options(task)};
  pool.row_count = std::ssize(candidate.scores);
  pool.compared = baseline != nullptr;
  const bool answered = task.asks();
  if (answered) pool.rows = prediction_rows(task, candidate);
  if (!baseline) return pool;
  TUNEWRIGHT_ASSERT(baseline->scores.size() == candidate.scores.size());
  pool.scores.insert(pool.scores.end(), baseline->scores.begin(), baseline->scores.end());
  if (!answered) return pool;
  auto more = prediction_rows(task, *baseline);
  pool.rows.insert(pool.rows.end(), std::make_move_iterator(more.begin()),
                   std::make_move_iterator(more.end()));
  return pool;
}

// The score of picked rows, where it does not add up over them.
Statistic scored_again(const metrics::Metric& line, const Pool& pool) {
  return [&line, &pool](std::span<const int64_t> picks) {
    std::vector<PredictionRow> rows;
    for (const auto pick : picks) rows.push_back(pool.rows[static_cast<size_t>(pick)]);
    try {
      return line.score(rows, pool.options).score;
    } catch (const UserError&) {
      return kNone;
    }
  };
}

// None: to draw rows again would take too long, or mean nothing.
std::optional<Statistic> statistic_of(Metric metric, const Pool& pool) {
  const auto* line = metric.line();
  if (!line) {
    return [metric, &pool](std::span<const int64_t> rows) {
      return compute(metric, pool.scores, rows);
    };
  }
  if (line->statistics) return metrics::summed(line->statistics(pool.rows, pool.options));
  if (line->needs == metrics::Needs::kProbabilities) return scored_again(*line, pool);
  return std::nullopt;
}

// Fills signature and reason; gives the figure, or none where it is not defined.
double score_alone(std::span<const PredictionRow> rows, const Pool& pool, MetricResult& result) {
  try {
    auto score = metrics::score(*result.metric.line(), rows, pool.options);
    result.signature = std::move(score.signature);
    return score.score;
  } catch (const UserError& error) {
    result.undefined = error.what();
    return kNone;
  }
}

MetricResult without_interval(Metric metric, const Pool& pool) {
  MetricResult result{.metric = metric};
  const double value = score_alone(pool.of_candidate(), pool, result);
  result.candidate = {value, kNone, kNone};
  if (!pool.compared) return result;
  const double before = score_alone(pool.of_baseline(), pool, result);
  result.baseline = {before, kNone, kNone};
  result.difference = {value - before, kNone, kNone};
  return result;
}

// What resampling does not say: signature, and why a figure does not exist.
void describe(MetricResult& result, const Pool& pool) {
  if (!result.metric.line()) {
    const auto* figure = result.metric.figure();
    result.signature = figure ? figure->signature : "of:supervised_tokens|mean:tokens|log:e";
    return;
  }
  const auto none = Interval{kNone, kNone, kNone};
  const bool defined = std::isfinite(score_alone(pool.of_candidate(), pool, result));
  if (!defined) result.candidate = none;
  const bool was = !pool.compared || std::isfinite(score_alone(pool.of_baseline(), pool, result));
  if (!was) result.baseline = none;
  if (defined && was) return;
  if (result.difference) result.difference = none;
  if (result.p_value) result.p_value = kNone;
}

struct Drawn {
  std::vector<size_t> places;  // of the figures, in the results
  std::vector<Statistic> figures;
};

void resample(const Drawn& drawn, const Pool& pool, const BootstrapOptions& options,
              std::vector<MetricResult>& results) {
  if (!pool.compared) {
    for (size_t i = 0; i < drawn.figures.size(); ++i)
      results[drawn.places[i]].candidate = bootstrap(drawn.figures[i], pool.row_count, options);
    return;
  }
  const auto found = metrics::compare_paired(drawn.figures, pool.row_count, options);
  for (size_t i = 0; i < found.size(); ++i) {
    auto& result = results[drawn.places[i]];
    result.candidate = found[i].candidate;
    result.baseline = found[i].baseline;
    result.difference = found[i].difference;
    result.p_value = found[i].p_value;
  }
}

}  // namespace

std::vector<PredictionRow> prediction_rows(const Task& task, const TaskRun& run) {
  std::vector<PredictionRow> rows;
  for (size_t i = 0; i < task.rows.size(); ++i) {
    const auto& score = run.scores[i];
    auto& row = rows.emplace_back();
    row.where = rows::describe(task.rows[i].place);
    row.prediction = run.answers[i];
    row.references = {std::string(trim(task.rows[i].reference))};
    if (!task.labels) continue;
    const auto& labels = task.labels->labels();
    if (score.predicted != kInvalid) row.prediction = labels[static_cast<size_t>(score.predicted)];
    for (size_t label = 0; label < score.probabilities.size(); ++label)
      row.probabilities.emplace_back(labels[label], score.probabilities[label]);
  }
  return rows;
}

metrics::MetricOptions metric_options(const Task& task) {
  auto options = task.options.metric_options;
  if (task.labels) options.labels.labels = task.labels->labels();
  return options;
}

std::vector<MetricResult> compare(const Task& task, const TaskRun& candidate,
                                  const TaskRun* baseline, const BootstrapOptions& options) {
  const auto pool = pool_of(task, candidate, baseline);
  std::vector<MetricResult> results;
  Drawn drawn;
  for (const auto metric : task.metrics) {
    if (auto statistic = statistic_of(metric, pool)) {
      drawn.places.push_back(results.size());
      drawn.figures.push_back(*std::move(statistic));
      results.push_back({.metric = metric});
    } else {
      results.push_back(without_interval(metric, pool));
    }
  }
  resample(drawn, pool, options, results);
  for (const auto place : drawn.places) describe(results[place], pool);
  return results;
}

}  // namespace tunewright::eval

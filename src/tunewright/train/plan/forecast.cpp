#include "tunewright/train/plan/forecast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "tunewright/base/error.h"

namespace tunewright::train {
namespace {

// Collects pointers to the numbers of a measurement.
struct Numbers {
  std::vector<double*> list;

  void operator()(const char*, BlockCounts&, const char*) {}
  void operator()(const char*, double& value, const char*) { list.push_back(&value); }
  void operator()(const char*, std::vector<double>& values, const char*) {
    for (auto& value : values) list.push_back(&value);
  }
};

std::vector<double*> numbers_of(Measurement& measurement) {
  Numbers numbers;
  fields(numbers, measurement);
  return numbers.list;
}

using Kind = int64_t BlockCounts::*;
constexpr std::array<Kind, 3> kKinds = {&BlockCounts::frozen, &BlockCounts::checkpointed,
                                        &BlockCounts::plain};

// Where time was too short for some passes in one measurement, no measurement has them.
void shorten(std::vector<Measurement>& measured) {
  size_t passes = measured.front().pass_seconds.size(),
         evaluation = measured.front().evaluation_seconds.size();
  for (const auto& one : measured) {
    passes = std::min(passes, one.pass_seconds.size());
    evaluation = std::min(evaluation, one.evaluation_seconds.size());
  }
  for (auto& one : measured) {
    one.pass_seconds.resize(passes);
    one.evaluation_seconds.resize(evaluation);
  }
}

constexpr size_t kTerms = 3;  // of PassTime
using Row = std::array<double, kTerms>;

// Least squares of rows · x = 1 over the terms that `used` has a bit for, by Gaussian elimination
// of the normal equations.  None where they are singular.
std::optional<Row> solve(const std::vector<Row>& rows, unsigned used) {
  std::array<std::array<double, kTerms + 1>, kTerms> matrix{};
  const auto has = [&](size_t term) { return (used >> term & 1U) != 0; };
  for (size_t i = 0; i < kTerms; ++i) {
    if (!has(i)) matrix[i][i] = 1;
    for (const auto& row : rows) {
      if (!has(i)) continue;
      for (size_t j = 0; j < kTerms; ++j) matrix[i][j] += has(j) ? row[i] * row[j] : 0;
      matrix[i][kTerms] += row[i];
    }
  }
  for (size_t i = 0; i < kTerms; ++i) {
    const double pivot = matrix[i][i];
    double largest = 0;
    for (const auto& row : rows) largest += row[i] * row[i];
    if (std::abs(pivot) <= 1e-9 * (has(i) ? largest : 0)) return std::nullopt;
    for (size_t j = 0; j < kTerms; ++j) {
      if (j == i) continue;
      const double factor = matrix[j][i] / pivot;
      for (size_t k = i; k <= kTerms; ++k) matrix[j][k] -= factor * matrix[i][k];
    }
  }
  Row x{};
  for (size_t i = 0; i < kTerms; ++i) x[i] = matrix[i][kTerms] / matrix[i][i];
  return x;
}

double residual(const std::vector<Row>& rows, const Row& x) {
  double sum = 0;
  for (const auto& row : rows) {
    double value = -1;
    for (size_t i = 0; i < kTerms; ++i) value += row[i] * x[i];
    sum += value * value;
  }
  return sum;
}

// Least squares without negative terms: the best of all choices of terms, the plain ones first.
Row solve_nonnegative(const std::vector<Row>& rows) {
  constexpr unsigned kConstant = 1, kWork = 2, kTargets = 4;
  Row best{};
  double least = residual(rows, best);
  for (const unsigned used :
       {kWork, kWork | kTargets, kWork | kConstant, kWork | kTargets | kConstant, kTargets,
        kTargets | kConstant, kConstant}) {
    const auto x = solve(rows, used);
    const bool valid = x && std::ranges::all_of(*x, [](double term) { return term >= 0; });
    if (!valid) continue;
    if (const double sum = residual(rows, *x); sum < least - 1e-12) {
      least = sum;
      best = *x;
    }
  }
  return best;
}

MemoryForecast memory_of(const Measurement& whole, const ForecastInput& input) {
  MemoryForecast memory{.loading = whole.loading_bytes,
                        .evaluation = whole.evaluation_bytes,
                        .weights = input.floor.weights,
                        .trained = input.floor.trained,
                        .program = whole.start_bytes};
  memory.training = std::max({whole.forward_bytes, whole.early_backward_bytes,
                              whole.late_backward_bytes, whole.update_bytes});
  // The last checkpoint takes what the passes gave back to the allocator.
  const double beside = input.layout.saves_while_training
                            ? std::max(memory.training, memory.evaluation)
                            : memory.weights + memory.trained + memory.program;
  memory.saving = beside + whole.snapshot_bytes;
  memory.activations =
      std::max(0.0, memory.training - memory.weights - memory.trained - memory.program);
  return memory;
}

double sum_of(const PassTime& time, std::span<const data::PassLayout> passes) {
  double sum = 0;
  for (const auto& pass : passes) sum += time.seconds(pass);
  return sum;
}

// That training waits for the write before, where checkpoints follow each other faster.
double waiting(const Measurement& whole, const RunLayout& layout, double steps_seconds) {
  const double between = steps_seconds / static_cast<double>(std::max<int64_t>(1, layout.saves));
  return std::max(0.0, whole.write_seconds - between);
}

TimeForecast time_of(const Measurement& whole, const ForecastInput& input) {
  const auto& layout = input.layout;
  const double attention =
      3.0 * double(input.size.query) / double(std::max<int64_t>(1, input.size.block_matrix));
  const PassTime training(input.passes, whole.pass_seconds, attention);
  TimeForecast time{.start = whole.start_seconds};
  for (const auto& step : layout.steps) time.step += sum_of(training, step);
  time.step /= static_cast<double>(std::max<int64_t>(1, std::ssize(layout.steps)));
  time.step += whole.update_seconds +
               whole.first_pass_seconds / double(std::max<int64_t>(1, layout.total_steps));
  time.steps = time.step * static_cast<double>(layout.total_steps);
  if (!whole.evaluation_seconds.empty())
    time.evaluation =
        sum_of({input.evaluation, whole.evaluation_seconds, attention}, layout.evaluation);
  time.evaluations = time.evaluation * static_cast<double>(layout.evaluations);
  time.saves = static_cast<double>(layout.saves) *
                   (whole.copy_seconds + waiting(whole, layout, time.steps)) +
               whole.write_seconds;  // the last one is waited for
  return time;
}

}  // namespace

BlockCounts smallest_blocks(const BlockCounts& target) {
  BlockCounts smallest;
  for (const auto kind : kKinds) smallest.*kind = std::min<int64_t>(1, target.*kind);
  return smallest;
}

std::vector<BlockCounts> larger_blocks(const BlockCounts& target, int64_t more) {
  std::vector<BlockCounts> larger;
  for (const auto kind : kKinds) {
    auto counts = smallest_blocks(target);
    counts.*kind = std::min(target.*kind, counts.*kind + more);
    if (target.*kind > 1) larger.push_back(counts);
  }
  return larger;
}

Measurement extrapolate(std::span<const Measurement> measured, const BlockCounts& target) {
  TUNEWRIGHT_ASSERT(!measured.empty());
  std::vector<Measurement> all(measured.begin(), measured.end());
  shorten(all);
  Measurement whole = all.front();
  whole.blocks = target;
  const auto sums = numbers_of(whole), base = numbers_of(all.front());
  for (auto& one : std::span(all).subspan(1)) {
    const auto kind = std::ranges::find_if(
        kKinds, [&](Kind k) { return one.blocks.*k != all.front().blocks.*k; });
    TUNEWRIGHT_ASSERT(kind != kKinds.end());
    const auto blocks = static_cast<double>(one.blocks.**kind - all.front().blocks.**kind);
    const auto missing = static_cast<double>(target.**kind - all.front().blocks.**kind);
    const auto numbers = numbers_of(one);
    for (size_t i = 0; i < numbers.size(); ++i)
      *sums[i] += std::max(0.0, *numbers[i] - *base[i]) / blocks * missing;
  }
  return whole;
}

PassTime::PassTime(std::span<const data::PassLayout> passes, std::span<const double> seconds,
                   double attention)
    : attention_(attention) {
  std::vector<Row> rows;  // each divided by its seconds, so that relative errors count
  for (size_t i = 0; i < std::min(passes.size(), seconds.size()); ++i) {
    if (seconds[i] <= 0) continue;
    const double work = double(passes[i].tokens) + attention * passes[i].squares;
    rows.push_back({1 / seconds[i], work / seconds[i], double(passes[i].targets) / seconds[i]});
  }
  const auto terms = solve_nonnegative(rows);
  constant_ = terms[0];
  per_work_ = terms[1];
  per_target_ = terms[2];
}

double PassTime::seconds(const data::PassLayout& pass) const {
  return constant_ + per_work_ * (double(pass.tokens) + attention_ * pass.squares) +
         per_target_ * double(pass.targets);
}

double MemoryForecast::peak() const { return std::max({loading, training, evaluation, saving}); }

Forecast forecast(const Measurement& whole, const ForecastInput& input) {
  return {.memory = memory_of(whole, input), .time = time_of(whole, input)};
}

}  // namespace tunewright::train

#include "tunewright/metrics/resampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/base/random.h"
#include "tunewright/metrics/parallel_for.h"

namespace tunewright::metrics {
namespace {

using RowList = std::vector<int64_t>;

RowList first_rows(int64_t count, int64_t from = 0) {
  RowList rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), from);
  return rows;
}

// The pool with each row's two answers exchanged or not, by a coin a row.
void exchange(RowList& candidate, RowList& baseline, int64_t index, uint64_t seed) {
  static const auto stream = stream_id("randomisation");
  Random random(seed, stream);
  const auto count = candidate.size();
  random.seek(static_cast<uint64_t>(index) * ((count + 63) / 64));
  uint64_t coins = 0;
  for (size_t i = 0; i < count; ++i, coins >>= 1) {
    if (i % 64 == 0) coins = random.next();
    const auto first = static_cast<int64_t>(i), second = static_cast<int64_t>(i + count);
    candidate[i] = coins & 1 ? second : first;
    baseline[i] = coins & 1 ? first : second;
  }
}

struct Scratch {
  RowList candidate, baseline;
};

void check(int64_t row_count, const BootstrapOptions& options) {
  TUNEWRIGHT_ASSERT(row_count > 0 && options.resamples > 1);
  TUNEWRIGHT_ASSERT(options.confidence > 0 && options.confidence < 1);
}

std::vector<double> finite(const std::vector<double>& figures) {
  std::vector<double> kept;
  for (const double figure : figures) {
    if (std::isfinite(figure)) kept.push_back(figure);
  }
  return kept;
}

Interval percentile_interval(double value, std::vector<double> figures, double confidence) {
  if (figures.empty()) return {.value = value, .low = value, .high = value};
  std::sort(figures.begin(), figures.end());
  const double tail = (1 - confidence) / 2;
  return {.value = value, .low = quantile(figures, tail), .high = quantile(figures, 1 - tail)};
}

// How many groups of rows are left out, one at a time.
int64_t jackknife_groups(int64_t row_count) { return std::min(row_count, kMostJackknives); }

// All rows but those of one group: every `groups`-th row.
void leave_out(RowList& rows, int64_t group, int64_t groups, int64_t row_count) {
  rows.clear();
  for (int64_t row = 0; row < row_count; ++row) {
    if (row % groups != group) rows.push_back(row);
  }
}

void shift(const RowList& rows, int64_t by, RowList& shifted) {
  shifted.resize(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) shifted[i] = rows[i] + by;
}

// figures[f][i]: of figure f and resample (exchange, left-out group) i.
using Table = std::vector<std::vector<double>>;

struct PairedTable {
  Table candidate, baseline;
};

// `choose` fills the scratch with the picks of both models of the i-th sample.
PairedTable figures_of(std::span<const Statistic> figures, int64_t samples, int64_t threads,
                       const std::function<void(int64_t, Scratch&)>& choose) {
  const Table empty(figures.size(), std::vector<double>(static_cast<size_t>(samples)));
  PairedTable table{empty, empty};
  parallel_for<Scratch>(samples, threads, [&](int64_t i, Scratch& scratch) {
    choose(i, scratch);
    for (size_t f = 0; f < figures.size(); ++f) {
      table.candidate[f][static_cast<size_t>(i)] = figures[f](scratch.candidate);
      table.baseline[f][static_cast<size_t>(i)] = figures[f](scratch.baseline);
    }
  });
  return table;
}

std::vector<double> differences(const std::vector<double>& candidate,
                                const std::vector<double>& baseline) {
  std::vector<double> result(candidate.size());
  for (size_t i = 0; i < result.size(); ++i) result[i] = candidate[i] - baseline[i];
  return result;
}

// Exchanges that differ as much up to the rounding of another order of additions count as equal.
double randomisation_p(double difference, const std::vector<double>& exchanged) {
  if (!std::isfinite(difference)) return std::nan("");
  const double least = std::abs(difference) * (1 - 1e-10);
  int64_t count = 0, defined = 0;
  for (const double other : exchanged) {
    if (!std::isfinite(other)) continue;
    ++defined;
    count += std::abs(other) >= least;
  }
  return static_cast<double>(count + 1) / static_cast<double>(defined + 1);
}

struct Samples {
  PairedTable resampled, left_out;  // the latter empty unless BCa wants it
  Table exchanged;                  // differences
};

Samples paired_samples(std::span<const Statistic> figures, int64_t row_count,
                       const BootstrapOptions& options) {
  Samples samples;
  const auto count = static_cast<size_t>(row_count);
  samples.resampled =
      figures_of(figures, options.resamples, options.threads, [&](int64_t i, Scratch& scratch) {
        scratch.candidate.resize(count);
        draw_rows(scratch.candidate, i, options.seed);
        shift(scratch.candidate, row_count, scratch.baseline);
      });
  const auto exchanged =
      figures_of(figures, options.resamples, options.threads, [&](int64_t i, Scratch& scratch) {
        scratch.candidate.resize(count);
        scratch.baseline.resize(count);
        exchange(scratch.candidate, scratch.baseline, i, options.seed);
      });
  for (size_t f = 0; f < figures.size(); ++f)
    samples.exchanged.push_back(differences(exchanged.candidate[f], exchanged.baseline[f]));
  if (options.kind == IntervalKind::kBca && row_count > 1) {
    const auto groups = jackknife_groups(row_count);
    samples.left_out =
        figures_of(figures, groups, options.threads, [&](int64_t i, Scratch& scratch) {
          leave_out(scratch.candidate, i, groups, row_count);
          shift(scratch.candidate, row_count, scratch.baseline);
        });
  }
  return samples;
}

Interval interval_of(double value, const std::vector<double>& figures,
                     const std::vector<double>& left_out, const BootstrapOptions& options) {
  return options.kind == IntervalKind::kBca
             ? bca_interval(value, finite(figures), left_out, options.confidence)
             : percentile_interval(value, finite(figures), options.confidence);
}

}  // namespace

// Two rows come out of 64 random bits: the upper half of bits * rows is the first, and its lower
// half, as uniform as the bits were, gives the second.  The bias is below rows^2 / 2^64.
void draw_rows(std::span<int64_t> rows, int64_t index, uint64_t seed) {
  static const auto stream = stream_id("bootstrap");
  Random random(seed, stream);
  const auto count = static_cast<uint64_t>(rows.size());
  random.seek(static_cast<uint64_t>(index) * ((count + 1) / 2));
  for (size_t i = 0; i < rows.size(); i += 2) {
    const auto first = static_cast<unsigned __int128>(random.next()) * count;
    rows[i] = static_cast<int64_t>(first >> 64);
    if (i + 1 == rows.size()) break;
    const auto second = static_cast<unsigned __int128>(static_cast<uint64_t>(first)) * count;
    rows[i + 1] = static_cast<int64_t>(second >> 64);
  }
}

double quantile(std::span<const double> sorted, double share) {
  TUNEWRIGHT_ASSERT(!sorted.empty());
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = std::min(static_cast<size_t>(place), sorted.size() - 1);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Interval bca_interval(double value, std::vector<double> figures, std::span<const double> left_out,
                      double confidence) {
  const double tail = (1 - confidence) / 2;
  double below = 0, mean = 0, square = 0, cube = 0;
  for (const double figure : figures) below += figure < value ? 1 : figure == value ? 0.5 : 0;
  const double share = below / static_cast<double>(figures.size());
  for (const double figure : left_out) mean += figure / static_cast<double>(left_out.size());
  for (const double figure : left_out) {
    square += std::pow(mean - figure, 2);
    cube += std::pow(mean - figure, 3);
  }
  const bool exists = !figures.empty() && share > 0 && share < 1 && square > 0 &&
                      std::isfinite(square) && std::isfinite(cube);
  if (!exists) return percentile_interval(value, std::move(figures), confidence);
  const double bias = normal_quantile(share);
  const double acceleration = cube / (6 * std::pow(square, 1.5));
  const auto corrected = [&](double level) {
    const double z = bias + normal_quantile(level);
    return normal_cdf(bias + z / (1 - acceleration * z));
  };
  std::sort(figures.begin(), figures.end());
  return {.value = value,
          .low = quantile(figures, corrected(tail)),
          .high = quantile(figures, corrected(1 - tail))};
}

Statistic summed(RowStatistics given) {
  return [given = std::move(given)](std::span<const int64_t> rows) {
    std::vector<double> sums(given.width);
    for (const auto row : rows) {
      const double* figures = given.values.data() + static_cast<size_t>(row) * given.width;
      for (size_t i = 0; i < given.width; ++i) sums[i] += figures[i];
    }
    return given.score(sums);
  };
}

Interval bootstrap(const Statistic& statistic, int64_t row_count, const BootstrapOptions& options) {
  check(row_count, options);
  std::vector<double> figures(static_cast<size_t>(options.resamples)), left_out;
  parallel_for<RowList>(options.resamples, options.threads, [&](int64_t i, RowList& rows) {
    rows.resize(static_cast<size_t>(row_count));
    draw_rows(rows, i, options.seed);
    figures[static_cast<size_t>(i)] = statistic(rows);
  });
  if (options.kind == IntervalKind::kBca && row_count > 1) {
    const auto groups = jackknife_groups(row_count);
    left_out.resize(static_cast<size_t>(groups));
    parallel_for<RowList>(groups, options.threads, [&](int64_t i, RowList& rows) {
      leave_out(rows, i, groups, row_count);
      left_out[static_cast<size_t>(i)] = statistic(rows);
    });
  }
  return interval_of(statistic(first_rows(row_count)), figures, left_out, options);
}

std::vector<PairedResult> compare_paired(std::span<const Statistic> figures, int64_t row_count,
                                         const BootstrapOptions& options) {
  check(row_count, options);
  const auto samples = paired_samples(figures, row_count, options);
  const auto all = first_rows(row_count), all_of_baseline = first_rows(row_count, row_count);
  const auto left_out = [&](const Table& table, size_t f) {
    return table.empty() ? std::vector<double>() : table[f];
  };
  std::vector<PairedResult> results;
  for (size_t f = 0; f < figures.size(); ++f) {
    const double candidate = figures[f](all), baseline = figures[f](all_of_baseline);
    const auto& of_candidate = samples.resampled.candidate[f];
    const auto& of_baseline = samples.resampled.baseline[f];
    const auto without_candidate = left_out(samples.left_out.candidate, f);
    const auto without_baseline = left_out(samples.left_out.baseline, f);
    const auto resampled = differences(of_candidate, of_baseline);
    results.push_back(
        {.candidate = interval_of(candidate, of_candidate, without_candidate, options),
         .baseline = interval_of(baseline, of_baseline, without_baseline, options),
         .difference = interval_of(candidate - baseline, resampled,
                                   differences(without_candidate, without_baseline), options),
         .p_value = randomisation_p(candidate - baseline, samples.exchanged[f]),
         .undefined_resamples =
             options.resamples - static_cast<int64_t>(finite(resampled).size())});
  }
  return results;
}

}  // namespace tunewright::metrics

#include "tunewright/metrics/slices.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::metrics {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// Candidate's and baseline's goodness of the slice's rows, one after the other.
std::vector<double> pool_of(std::span<const double> candidate, std::span<const double> baseline,
                            const std::vector<size_t>& rows) {
  std::vector<double> pool;
  for (const auto row : rows) pool.push_back(candidate[row]);
  for (const auto row : rows) pool.push_back(baseline[row]);
  return pool;
}

bool is_right_or_wrong(const std::vector<double>& pool) {
  return std::ranges::all_of(pool, [](double value) { return value == 0 || value == 1; });
}

Slice measure(const std::vector<double>& pool, const BootstrapOptions& options) {
  const size_t rows = pool.size() / 2;
  Slice slice{.rows = static_cast<int64_t>(rows)};
  for (size_t i = 0; i < rows; ++i) {
    slice.worse_rows += pool[i] < pool[rows + i];
    slice.better_rows += pool[i] > pool[rows + i];
  }
  const Statistic mean = [&pool](std::span<const int64_t> picks) {
    double sum = 0;
    for (const auto pick : picks) sum += pool[static_cast<size_t>(pick)];
    return sum / static_cast<double>(picks.size());
  };
  const auto result = compare_paired(std::span(&mean, 1), slice.rows, options)[0];
  slice.difference = result.difference;
  slice.p_value = is_right_or_wrong(pool) ? mcnemar(slice.better_rows, slice.worse_rows).exact_p
                                          : result.p_value;
  return slice;
}

using RowsOfValue = std::map<std::string, std::vector<size_t>>;

RowsOfValue rows_of_values(const SliceField& field) {
  RowsOfValue rows;
  for (size_t row = 0; row < field.values.size(); ++row) {
    if (!field.values[row].empty()) rows[field.values[row]].push_back(row);
  }
  return rows;
}

void judge_slices(std::vector<Slice>& slices, double error_rate) {
  std::vector<ComparedFigure> figures;
  for (const auto& slice : slices)
    figures.push_back(
        {.name = slice.value, .difference = slice.difference, .p_value = slice.p_value});
  const auto judgement = judge(figures, error_rate);
  for (size_t i = 0; i < slices.size(); ++i) {
    slices[i].adjusted_p_value = judgement.figures[i].adjusted_p_value;
    slices[i].verdict = judgement.figures[i].verdict;
  }
}

std::vector<int64_t> rows_that_got_worse(std::span<const double> candidate,
                                         std::span<const double> baseline) {
  std::vector<int64_t> rows;
  const auto loss = [&](int64_t row) {
    return baseline[static_cast<size_t>(row)] - candidate[static_cast<size_t>(row)];
  };
  for (int64_t row = 0; row < static_cast<int64_t>(candidate.size()); ++row) {
    if (loss(row) > 0) rows.push_back(row);
  }
  std::ranges::stable_sort(rows, [&](int64_t a, int64_t b) { return loss(a) > loss(b); });
  return rows;
}

}  // namespace

SliceField length_slices(std::span<const int64_t> lengths, int64_t parts) {
  TUNEWRIGHT_ASSERT(parts > 0);
  SliceField field{.name = "length", .values = {}};
  std::vector<int64_t> sorted(lengths.begin(), lengths.end());
  std::ranges::sort(sorted);
  // The largest length of each part; equal lengths stay together.
  std::vector<int64_t> ends;
  for (int64_t part = 1; part <= parts && !sorted.empty(); ++part) {
    const auto rows = static_cast<int64_t>(sorted.size());
    ends.push_back(sorted[static_cast<size_t>(std::max<int64_t>(1, rows * part / parts) - 1)]);
  }
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  for (const auto length : lengths) {
    const auto end = std::ranges::lower_bound(ends, length);
    const auto first = end == ends.begin() ? sorted.front() : *std::prev(end) + 1;
    field.values.push_back(first == *end ? str(first) : str(first, "-", *end));
  }
  return field;
}

SliceReport regression_slices(std::span<const double> candidate, std::span<const double> baseline,
                              std::span<const SliceField> fields, const SliceOptions& options) {
  TUNEWRIGHT_ASSERT(candidate.size() == baseline.size());
  SliceReport report;
  for (const auto& field : fields) {
    TUNEWRIGHT_ASSERT(field.values.size() == candidate.size());
    const auto values = rows_of_values(field);
    if (static_cast<int64_t>(values.size()) > options.most_values) {
      report.left_out.push_back(field.name);
      continue;
    }
    for (const auto& [value, rows] : values) {
      if (static_cast<int64_t>(rows.size()) < options.least_rows) {
        ++report.small_slices;
        continue;
      }
      auto slice = measure(pool_of(candidate, baseline, rows), options.bootstrap);
      slice.field = field.name;
      slice.value = value;
      report.slices.push_back(std::move(slice));
    }
  }
  judge_slices(report.slices, options.error_rate);
  std::ranges::stable_sort(report.slices, [](const Slice& a, const Slice& b) {
    return a.difference.value < b.difference.value;
  });
  report.worse_rows = rows_that_got_worse(candidate, baseline);
  return report;
}

Json to_json(const Interval& interval) {
  return {{"value", number(interval.value)},
          {"low", number(interval.low)},
          {"high", number(interval.high)}};
}

Json to_json(const SliceReport& report, int64_t most_rows) {
  Json slices = Json::array();
  for (const auto& slice : report.slices) {
    slices.push_back({{"field", slice.field},
                      {"value", slice.value},
                      {"rows", slice.rows},
                      {"worse_rows", slice.worse_rows},
                      {"better_rows", slice.better_rows},
                      {"difference", to_json(slice.difference)},
                      {"p_value", number(slice.p_value)},
                      {"adjusted_p_value", number(slice.adjusted_p_value)},
                      {"verdict", name_of(slice.verdict)}});
  }
  const auto shown = std::min(report.worse_rows.size(), static_cast<size_t>(most_rows));
  return {{"slices", std::move(slices)},
          {"worse_row_count", report.worse_rows.size()},
          {"worse_rows", std::vector(report.worse_rows.begin(),
                                     report.worse_rows.begin() + static_cast<ptrdiff_t>(shown))},
          {"small_slices", report.small_slices},
          {"left_out", report.left_out}};
}

}  // namespace tunewright::metrics

#include "tunewright/metrics/groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "tunewright/base/random.h"
#include "tunewright/metrics/parallel_for.h"
#include "tunewright/metrics/slices.h"

namespace tunewright::metrics {
namespace {

using RowList = std::vector<int64_t>;

struct Groups {
  std::vector<std::string> names;
  std::vector<RowList> rows;
  int64_t small = 0;
};

Groups large_groups(std::span<const std::string> group_of_row, int64_t least_rows) {
  std::map<std::string, RowList> all;
  for (size_t row = 0; row < group_of_row.size(); ++row) {
    if (!group_of_row[row].empty()) all[group_of_row[row]].push_back(static_cast<int64_t>(row));
  }
  Groups groups;
  for (auto& [name, rows] : all) {
    if (static_cast<int64_t>(rows.size()) < std::max<int64_t>(1, least_rows)) {
      ++groups.small;
      continue;
    }
    groups.names.push_back(name);
    groups.rows.push_back(std::move(rows));
  }
  return groups;
}

struct Extremes {
  double low = 0, high = 0;
  double gap() const { return high - low; }
  double ratio() const {
    return low >= 0 && high > 0 ? low / high : std::numeric_limits<double>::quiet_NaN();
  }
};

Extremes extremes(const std::vector<double>& figures) {
  const auto [low, high] = std::ranges::minmax(figures);
  const bool defined = std::ranges::all_of(figures, [](double x) { return std::isfinite(x); });
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  return defined ? Extremes{low, high} : Extremes{nothing, nothing};
}

std::vector<double> figures_of(const std::vector<RowList>& groups, const Statistic& figure) {
  std::vector<double> figures;
  for (const auto& rows : groups) figures.push_back(figure(rows));
  return figures;
}

struct Scratch {
  std::vector<RowList> rows;
  RowList picks;
};

// Each group's rows, drawn again within the group.
void resample(const Groups& groups, int64_t index, uint64_t seed, Scratch& scratch) {
  scratch.rows.resize(groups.rows.size());
  for (size_t g = 0; g < groups.rows.size(); ++g) {
    const auto& rows = groups.rows[g];
    scratch.picks.resize(rows.size());
    draw_rows(scratch.picks, index, seed ^ stream_id(groups.names[g]));
    scratch.rows[g].clear();
    for (const auto pick : scratch.picks)
      scratch.rows[g].push_back(rows[static_cast<size_t>(pick)]);
  }
}

// All rows, dealt out to groups of the same sizes.
void deal(const Groups& groups, int64_t index, uint64_t seed, Scratch& scratch) {
  scratch.picks.clear();
  for (const auto& rows : groups.rows)
    scratch.picks.insert(scratch.picks.end(), rows.begin(), rows.end());
  Random random(seed, stream_id("groups") + static_cast<uint64_t>(index));
  shuffle(scratch.picks, random);
  scratch.rows.resize(groups.rows.size());
  auto next = scratch.picks.begin();
  for (size_t g = 0; g < groups.rows.size(); ++g) {
    const auto size = static_cast<ptrdiff_t>(groups.rows[g].size());
    scratch.rows[g].assign(next, next + size);
    next += size;
  }
}

Interval percentiles(double value, std::vector<double> figures, double confidence) {
  std::erase_if(figures, [](double figure) { return !std::isfinite(figure); });
  if (figures.empty()) return {.value = value, .low = value, .high = value};
  std::ranges::sort(figures);
  const double tail = (1 - confidence) / 2;
  return {.value = value, .low = quantile(figures, tail), .high = quantile(figures, 1 - tail)};
}

// What a gap of `least` or more is worth.
double permutation_p(const Groups& groups, const Statistic& figure, double gap,
                     const BootstrapOptions& options) {
  std::vector<double> gaps(static_cast<size_t>(options.resamples));
  parallel_for<Scratch>(options.resamples, options.threads, [&](int64_t i, Scratch& scratch) {
    deal(groups, i, options.seed, scratch);
    gaps[static_cast<size_t>(i)] = extremes(figures_of(scratch.rows, figure)).gap();
  });
  const auto count =
      std::ranges::count_if(gaps, [&](double other) { return other >= gap * (1 - 1e-10); });
  return static_cast<double>(count + 1) / static_cast<double>(options.resamples + 1);
}

}  // namespace

GroupGap group_gap(std::span<const std::string> group_of_row, const Statistic& figure,
                   const GroupOptions& options) {
  const auto groups = large_groups(group_of_row, options.least_rows);
  const auto count = groups.names.size();
  GroupGap result{.ratio = {1, 1, 1}, .small_groups = groups.small};
  if (count == 0) return result;

  const auto resamples = static_cast<size_t>(options.bootstrap.resamples);
  std::vector<std::vector<double>> figures(count, std::vector<double>(resamples));
  std::vector<double> gaps(resamples), ratios(resamples);
  const auto& bootstrap = options.bootstrap;
  parallel_for<Scratch>(bootstrap.resamples, bootstrap.threads, [&](int64_t i, Scratch& scratch) {
    const auto at = static_cast<size_t>(i);
    resample(groups, i, bootstrap.seed, scratch);
    const auto drawn = figures_of(scratch.rows, figure);
    for (size_t g = 0; g < count; ++g) figures[g][at] = drawn[g];
    gaps[at] = extremes(drawn).gap();
    ratios[at] = extremes(drawn).ratio();
  });

  const auto values = figures_of(groups.rows, figure);
  for (size_t g = 0; g < count; ++g) {
    result.groups.push_back(
        {.group = groups.names[g],
         .rows = static_cast<int64_t>(groups.rows[g].size()),
         .figure = percentiles(values[g], std::move(figures[g]), bootstrap.confidence)});
  }
  if (count < 2) return result;
  const auto found = extremes(values);
  result.gap = percentiles(found.gap(), std::move(gaps), bootstrap.confidence);
  result.ratio = percentiles(found.ratio(), std::move(ratios), bootstrap.confidence);
  result.p_value = std::isfinite(found.gap())
                       ? permutation_p(groups, figure, found.gap(), bootstrap)
                       : std::numeric_limits<double>::quiet_NaN();
  return result;
}

Json to_json(const GroupGap& gap) {
  Json groups = Json::object();
  for (const auto& group : gap.groups) {
    Json one = {{"rows", group.rows}};
    one.update(to_json(group.figure));
    groups[group.group] = std::move(one);
  }
  return {{"groups", std::move(groups)},
          {"gap", to_json(gap.gap)},
          {"ratio", to_json(gap.ratio)},
          {"p_value", std::isfinite(gap.p_value) ? Json(gap.p_value) : Json(nullptr)},
          {"small_groups", gap.small_groups}};
}

}  // namespace tunewright::metrics

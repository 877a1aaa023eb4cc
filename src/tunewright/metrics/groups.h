#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/metrics/resampling.h"

// Whether a model serves groups of rows alike.
namespace tunewright::metrics {

struct GroupOptions {
  int64_t least_rows = 10;  // smaller groups are counted, not compared
  BootstrapOptions bootstrap;
};

struct GroupFigure {
  std::string group;
  int64_t rows = 0;
  Interval figure;
};

// As fairlearn's MetricFrame: the difference and the ratio between groups.
struct GroupGap {
  std::vector<GroupFigure> groups;  // by name
  Interval gap;                     // largest figure minus smallest
  Interval ratio;  // smallest over largest; not a number where the figures are not positive
  // Share of random assignments of the same rows to groups of the same sizes whose gap is at least
  // as large: chance alone makes a gap, which its interval does not show.
  double p_value = 1;
  int64_t small_groups = 0;  // with fewer than least_rows
};

// `group_of_row` empty: the row is in no group.  Fewer than two groups: a gap of 0 and p = 1.
GroupGap group_gap(std::span<const std::string> group_of_row, const Statistic& figure,
                   const GroupOptions& options = {});

// {"groups":{name:{"rows","value","low","high"}},"gap":{…},"ratio":{…},"p_value","small_groups"}
Json to_json(const GroupGap& gap);

}  // namespace tunewright::metrics

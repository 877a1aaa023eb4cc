#pragma once
#include <string>
#include <utility>
#include <vector>

#include "tunewright/eval/bootstrap.h"

// Inline SVG that needs no script and no network.  Colours come from the page's style sheet by
// class.
namespace tunewright::eval {

struct Series {
  std::string name;
  std::string css_class;
  std::vector<std::pair<double, double>> points;  // x, y
  bool dots = false;                              // single points instead of a line
};
// Points that are not numbers are left out; no points at all give an empty string.
std::string line_chart(const std::vector<Series>& series, const std::string& x_label);

struct IntervalBar {
  std::string label;
  std::string css_class;
  Interval interval;
};
// One line a figure: a dot with its interval, on an axis that holds them all (0 to 1 for shares).
std::string interval_chart(const std::vector<IntervalBar>& bars);

// The mean of up to `width` points around each.
std::vector<std::pair<double, double>> smooth(const std::vector<std::pair<double, double>>& points,
                                              size_t width);

}  // namespace tunewright::eval

#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/eval/bootstrap.h"

// Inline SVG that needs no script and no network.  Colours come from the page's style sheet by
// class.
namespace tunewright::eval {

// CSS for all charts, beside the frame's own.
inline constexpr std::string_view kChartStyle = R"(
svg{max-width:33rem;margin:.75rem 0}svg text{font-size:12px;fill:var(--soft)}polyline{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
circle{fill:currentColor}.whisker{stroke:currentColor;stroke-width:3;stroke-linecap:round}polyline.faint{opacity:.35;stroke-width:1}
.diagonal{stroke:var(--soft);stroke-dasharray:4 4}.columns{fill:currentColor;opacity:.3}.legend{color:var(--soft);font-size:.875rem}
.legend span{margin-right:1rem;white-space:nowrap}i.line,i.dot{display:inline-block;margin-right:.35rem;vertical-align:middle;background:currentColor}
i.line{width:1.2rem;height:3px}i.dot{width:.6rem;height:.6rem;border-radius:50%}i.faint{opacity:.35}
)";

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

// Said confidence beside how often it came true, over the bins that have rows.
struct ReliabilityPoint {
  double confidence = 0, accuracy = 0;
  int64_t rows = 0;
};
struct ReliabilitySeries {
  std::string name;
  std::string css_class;
  std::vector<ReliabilityPoint> points;
};
// Points on the dashed diagonal are right as often as they say; below it stands where the rows are.
// No points at all give an empty string.
std::string reliability_diagram(const std::vector<ReliabilitySeries>& series);

// The mean of up to `width` points around each.
std::vector<std::pair<double, double>> smooth(const std::vector<std::pair<double, double>>& points,
                                              size_t width);

}  // namespace tunewright::eval

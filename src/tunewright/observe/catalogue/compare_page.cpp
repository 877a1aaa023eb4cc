#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/catalogue/compare.h"

namespace tunewright::observe {
namespace {

constexpr std::string_view kStyle = R"(
body{max-width:70rem}table{width:auto;min-width:100%}
th,td{padding:.35rem .6rem;text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums;max-width:22rem;overflow:hidden;text-overflow:ellipsis}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--card);max-width:45vw}
td.best{background:var(--in);font-weight:600}
svg{max-width:none}svg text{fill:var(--soft)}svg .curve{fill:none;stroke-width:1.8;stroke-linejoin:round}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.5rem 0 0;padding:0;list-style:none;font-size:.9rem}
.legend b{display:inline-block;width:1.4rem;height:.25rem;border-radius:2px;margin-right:.4rem;vertical-align:middle}
@media(max-width:600px){svg text{font-size:20px}})";

// Told apart by people who do not see all colours (Okabe and Ito), on light and dark ground.
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9"};

const char* colour_of(size_t i) { return kColours[i % kColours.size()]; }
// Beyond the colours there are dashes.
std::string dashes_of(size_t i) {
  return i < kColours.size() ? ""
                             : str(" stroke-dasharray='", 4 + 3 * (i / kColours.size()), " 4'");
}

constexpr double kWidth = 900, kHeight = 360, kLeft = 74, kRight = 14, kTop = 12, kBottom = 42;

struct Scale {
  double left, right, low, high;
  double x(double step) const {
    return kLeft + (kWidth - kLeft - kRight) * (step - left) / (right - left);
  }
  double y(double value) const {
    return kTop + (kHeight - kTop - kBottom) * (high - value) / (high - low);
  }
};

Scale scale_of(const std::vector<Curve>& curves) {
  Scale scale{1e300, -1e300, 1e300, -1e300};
  for (const auto& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      scale.left = std::min(scale.left, x);
      scale.right = std::max(scale.right, x);
      scale.low = std::min(scale.low, y);
      scale.high = std::max(scale.high, y);
    }
  }
  if (scale.right <= scale.left) scale.right = scale.left + 1;
  const double room = std::max(0.04 * (scale.high - scale.low), 1e-6 + 1e-3 * std::abs(scale.high));
  scale.low -= room;
  scale.high += room;
  return scale;
}

std::string axes(const Scale& scale) {
  std::string svg;
  for (const double value : ticks(scale.low, scale.high, 5)) {
    const auto y = fixed(scale.y(value), 1);
    svg += str("<line class='grid' x1='", kLeft, "' x2='", kWidth - kRight, "' y1='", y, "' y2='",
               y, "'/><text x='", kLeft - 8, "' y='", fixed(scale.y(value) + 4, 1),
               "' text-anchor='end'>", short_number(value), "</text>\n");
  }
  for (const double step : ticks(scale.left, scale.right, 5)) {
    if (step != std::floor(step)) continue;
    svg += str("<text x='", fixed(scale.x(step), 1), "' y='", kHeight - 14,
               "' text-anchor='middle'>", short_number(step), "</text>\n");
  }
  return svg;
}

std::string curve_svg(const Curve& curve, size_t i, const Scale& scale) {
  std::string points;
  for (const auto& [x, y] : curve.points)
    points += str(fixed(scale.x(x), 1), ",", fixed(scale.y(y), 1), " ");
  const auto title = str("<title>", html_escape(curve.name), "</title>");
  if (curve.points.size() == 1) {
    const auto& [x, y] = curve.points.front();
    return str("<circle cx='", fixed(scale.x(x), 1), "' cy='", fixed(scale.y(y), 1),
               "' r='4' fill='", colour_of(i), "'>", title, "</circle>\n");
  }
  return str("<polyline class='curve' stroke='", colour_of(i), "'", dashes_of(i), " points='",
             points, "'>", title, "</polyline>\n");
}

std::string chart_html(const Comparison::Chart& chart) {
  const auto scale = scale_of(chart.curves);
  std::string svg = axes(scale), legend;
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    const auto& curve = chart.curves[i];
    if (curve.points.empty()) continue;
    svg += curve_svg(curve, i, scale);
    legend +=
        str("<li><b style='background:", colour_of(i), "'></b>", html_escape(curve.name),
            " <span class='soft'>", short_number(curve.points.back().second), "</span></li>\n");
  }
  return str("<h2>", html_escape(chart.metric), "</h2>\n<div class='card'><svg viewBox='0 0 ",
             kWidth, " ", kHeight, "' role='img' aria-label='", html_escape(chart.metric),
             " by step'>\n", svg, "</svg>\n<ul class='legend'>\n", legend, "</ul></div>\n");
}

std::string table_html(const Comparison& comparison, const std::vector<Comparison::Line>& lines) {
  std::string html = "<div class='card scroll'><table><tr><th></th>";
  for (const auto& name : comparison.names) html += str("<th>", html_escape(name), "</th>");
  html += "</tr>\n";
  for (const auto& line : lines) {
    html += str("<tr><td title='", html_escape(line.key), "'>", html_escape(line.key), "</td>");
    for (size_t i = 0; i < line.values.size(); ++i) {
      const auto text = html_escape(fact_text(line.values[i]));
      html += str("<td", static_cast<int>(i) == line.best ? " class='best'" : "", " title='", text,
                  "'>", text, "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

}  // namespace

std::string comparison_page(const Comparison& comparison) {
  const auto title = str(comparison.names.size(), " runs side by side");
  std::string body = str("<h1>", title, "</h1>\n<p class='soft'>");
  for (size_t i = 0; i < comparison.names.size(); ++i) {
    body += str(i == 0 ? "" : " · ", html_escape(comparison.names[i]), " (",
                html_escape(comparison.statuses[i]), ")");
  }
  body += "</p>\n";
  for (const auto& chart : comparison.charts) body += chart_html(chart);
  body +=
      str("<h2>Figures</h2>\n", table_html(comparison, comparison.figures),
          "<p class='soft'>The best of a line stands on green, where better has a direction.</p>\n"
          "<h2>Where the configurations differ</h2>\n",
          comparison.settings.empty() ? "<p>They are the same.</p>\n"
                                      : table_html(comparison, comparison.settings));
  return html_page({.title = title, .style = std::string(kStyle), .body = std::move(body)});
}

}  // namespace tunewright::observe

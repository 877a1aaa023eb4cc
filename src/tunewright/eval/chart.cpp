#include "tunewright/eval/chart.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

// Narrow on purpose: scaled to a phone's width, its letters stay legible.
constexpr double kWidth = 440, kHeight = 220, kLeft = 46, kRight = 12, kTop = 10, kBottom = 36;
constexpr double kBarHeight = 26;

// A range of values laid on a range of the picture.
struct Axis {
  double low, high;   // values
  double start, end;  // picture
  double at(double value) const { return start + (end - start) * (value - low) / (high - low); }
};

// 1, 2 or 5 times a power of ten, so that about `count` of them fill `range`.
double nice_step(double range, int count) {
  const double rough = range / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::vector<double> ticks(const Axis& axis, int count) {
  const double step = nice_step(axis.high - axis.low, count);
  std::vector<double> places;
  const double first = std::ceil(axis.low / step - 1e-9);
  for (double i = first; i * step <= axis.high + 1e-9 * step; ++i) places.push_back(i * step);
  return places;
}

// Six digits are enough to tell ticks apart, and hide what binary fractions add to 0.6.
std::string tick_text(double value) { return str(std::abs(value) < 1e-12 ? 0.0 : value); }

std::string p(double place) { return fixed(place, 1); }

std::string svg(double height, const std::string& label, const std::string& content) {
  return str("<svg viewBox=\"0 0 ", kWidth, " ", height, "\" role=\"img\" aria-label=\"",
             html_escape(label), "\">\n", content, "</svg>\n");
}

bool finite(const std::pair<double, double>& point) {
  return std::isfinite(point.first) && std::isfinite(point.second);
}

struct Bounds {
  double left = INFINITY, right = -INFINITY, low = INFINITY, high = -INFINITY;
  void add(const std::pair<double, double>& point) {
    if (!finite(point)) return;
    left = std::min(left, point.first);
    right = std::max(right, point.first);
    low = std::min(low, point.second);
    high = std::max(high, point.second);
  }
};

std::string grid(const Axis& x, const Axis& y, const std::string& x_label) {
  std::string out;
  for (const double value : ticks(y, 4)) {
    out +=
        str("<line class=\"grid\" x1=\"", p(kLeft), "\" x2=\"", p(kWidth - kRight), "\" y1=\"",
            p(y.at(value)), "\" y2=\"", p(y.at(value)), "\"/><text x=\"", p(kLeft - 6), "\" y=\"",
            p(y.at(value) + 4), "\" text-anchor=\"end\">", tick_text(value), "</text>\n");
  }
  for (const double value : ticks(x, 6)) {
    out += str("<text x=\"", p(x.at(value)), "\" y=\"", p(kHeight - kBottom + 16),
               "\" text-anchor=\"middle\">", tick_text(value), "</text>\n");
  }
  return out + str("<text x=\"", p(kWidth - kRight), "\" y=\"", p(kHeight - 4),
                   "\" text-anchor=\"end\">", html_escape(x_label), "</text>\n");
}

std::string drawn(const Series& series, const Axis& x, const Axis& y) {
  std::string out;
  for (const auto& point : series.points) {
    if (!finite(point)) continue;
    if (series.dots) {
      out += str("<circle class=\"", series.css_class, "\" r=\"3.5\" cx=\"", p(x.at(point.first)),
                 "\" cy=\"", p(y.at(point.second)), "\"><title>", html_escape(series.name), " ",
                 fixed(point.second, 4), " at ", tick_text(point.first), "</title></circle>\n");
    } else {
      out += str(p(x.at(point.first)), ",", p(y.at(point.second)), " ");
    }
  }
  return series.dots ? out
                     : str("<polyline class=\"", series.css_class, "\" points=\"", out, "\"/>\n");
}

std::string legend(const std::vector<Series>& series) {
  std::string out = "<p class=\"legend\">";
  for (const auto& one : series) {
    if (one.points.empty()) continue;
    out += str("<span><i class=\"", one.dots ? "dot " : "line ", one.css_class, "\"></i>",
               html_escape(one.name), "</span> ");
  }
  return out + "</p>\n";
}

}  // namespace

std::string line_chart(const std::vector<Series>& series, const std::string& x_label) {
  Bounds bounds;
  for (const auto& one : series) {
    for (const auto& point : one.points) bounds.add(point);
  }
  if (!std::isfinite(bounds.left)) return "";
  if (bounds.right == bounds.left) bounds.right = bounds.left + 1;
  const double low = std::min(0.0, bounds.low);
  const double high = bounds.high > low ? bounds.high + 0.05 * (bounds.high - low) : low + 1;
  const Axis x{bounds.left, bounds.right, kLeft, kWidth - kRight};
  const Axis y{low, high, kHeight - kBottom, kTop};
  std::string content = grid(x, y, x_label);
  for (const auto& one : series) content += drawn(one, x, y);
  return svg(kHeight, "Curve over " + x_label, content) + legend(series);
}

std::string interval_chart(const std::vector<IntervalBar>& bars) {
  constexpr double kLabels = 150;
  double low = 0, high = 1;
  for (const auto& bar : bars) {
    if (!std::isfinite(bar.interval.low) || !std::isfinite(bar.interval.high)) return "";
    low = std::min(low, bar.interval.low);
    high = std::max(high, bar.interval.high);
  }
  const Axis x{low, high, kLabels, kWidth - 20};
  const double bottom = kTop + kBarHeight * static_cast<double>(bars.size());
  std::string content;
  for (const double value : ticks(x, 5)) {
    content +=
        str("<line class=\"grid\" x1=\"", p(x.at(value)), "\" x2=\"", p(x.at(value)), "\" y1=\"",
            p(kTop), "\" y2=\"", p(bottom), "\"/><text x=\"", p(x.at(value)), "\" y=\"",
            p(bottom + 16), "\" text-anchor=\"middle\">", tick_text(value), "</text>\n");
  }
  double y = kTop + kBarHeight / 2;
  for (const auto& bar : bars) {
    content +=
        str("<text x=\"", p(kLabels - 10), "\" y=\"", p(y + 4), "\" text-anchor=\"end\">",
            html_escape(bar.label), "</text><line class=\"whisker ", bar.css_class, "\" x1=\"",
            p(x.at(bar.interval.low)), "\" x2=\"", p(x.at(bar.interval.high)), "\" y1=\"", p(y),
            "\" y2=\"", p(y), "\"/><circle class=\"", bar.css_class, "\" r=\"5\" cx=\"",
            p(x.at(bar.interval.value)), "\" cy=\"", p(y), "\"><title>", html_escape(bar.label),
            " ", fixed(bar.interval.value, 3), ", ", fixed(bar.interval.low, 3), " to ",
            fixed(bar.interval.high, 3), "</title></circle>\n");
    y += kBarHeight;
  }
  return svg(bottom + 24, "Figures with their 95 % intervals", content);
}

namespace {

constexpr double kSide = 240, kColumns = 46;  // of the plane, and the height of the rows below it
constexpr double kPlaneLeft = 60;

std::string plane(const Axis& x, const Axis& y) {
  std::string out;
  for (const double value : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += str("<line class=\"grid\" x1=\"", p(x.start), "\" x2=\"", p(x.end), "\" y1=\"",
               p(y.at(value)), "\" y2=\"", p(y.at(value)), "\"/><text x=\"", p(x.start - 6),
               "\" y=\"", p(y.at(value) + 4), "\" text-anchor=\"end\">", tick_text(value),
               "</text><text x=\"", p(x.at(value)), "\" y=\"", p(y.start + kColumns + 30),
               "\" text-anchor=\"middle\">", tick_text(value), "</text>\n");
  }
  return out + str("<line class=\"diagonal\" x1=\"", p(x.start), "\" y1=\"", p(y.start), "\" x2=\"",
                   p(x.end), "\" y2=\"", p(y.end), "\"/>\n<text x=\"14\" y=\"", p(y.at(0.5)),
                   "\" text-anchor=\"middle\" transform=\"rotate(-90 14 ", p(y.at(0.5)),
                   ")\">right</text><text x=\"", p(x.at(0.5)), "\" y=\"",
                   p(y.start + kColumns + 46),
                   "\" text-anchor=\"middle\">said confidence</text>\n");
}

// How many rows are at each confidence: of several series side by side.
std::string columns(const ReliabilitySeries& series, double shift, const Axis& x, double bottom) {
  constexpr double kWide = 5;
  int64_t most = 1;
  for (const auto& point : series.points) most = std::max(most, point.rows);
  std::string out;
  for (const auto& point : series.points) {
    const double height =
        std::max(1.0, (kColumns - 6) * static_cast<double>(point.rows) / static_cast<double>(most));
    out += str("<rect class=\"columns ", series.css_class, "\" x=\"",
               p(x.at(point.confidence) + shift), "\" y=\"", p(bottom - height), "\" width=\"",
               kWide, "\" height=\"", p(height), "\"><title>", html_escape(series.name), ": ",
               point.rows, " rows</title></rect>\n");
  }
  return out;
}

}  // namespace

std::string reliability_diagram(const std::vector<ReliabilitySeries>& series) {
  const Axis x{0, 1, kPlaneLeft, kPlaneLeft + kSide}, y{0, 1, kTop + kSide, kTop};
  const double bottom = y.start + kColumns + 14;
  auto content = plane(x, y);
  std::vector<Series> drawn_series;
  double shift = -5;
  for (const auto& one : series) {
    if (one.points.empty()) continue;
    Series line{.name = one.name, .css_class = one.css_class, .points = {}, .dots = false};
    for (const auto& point : one.points) line.points.emplace_back(point.confidence, point.accuracy);
    Series dots = line;
    dots.dots = true;
    content += drawn(line, x, y) + drawn(dots, x, y) + columns(one, shift, x, bottom);
    drawn_series.push_back(std::move(dots));
    shift += 5;
  }
  if (drawn_series.empty()) return "";
  // As wide as the other charts, so that its letters are as large.
  return svg(bottom + 42, "Reliability: said confidence and share of right answers", content) +
         legend(drawn_series);
}

std::vector<std::pair<double, double>> smooth(const std::vector<std::pair<double, double>>& points,
                                              size_t width) {
  std::vector<std::pair<double, double>> out;
  for (size_t i = 0; i < points.size(); ++i) {
    const size_t reach = std::min({width / 2, i, points.size() - 1 - i});
    double sum = 0;
    for (size_t j = i - reach; j <= i + reach; ++j) sum += points[j].second;
    out.emplace_back(points[i].first, sum / static_cast<double>(2 * reach + 1));
  }
  return out;
}

}  // namespace tunewright::eval

#include "tunewright/corpus/build/charts.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"

namespace tunewright::corpus {
namespace {

// Narrow, so that its letters can be read where it is scaled to a phone.
constexpr double kWidth = 400;
constexpr double kBar = 16, kRow = 38;

std::string svg(double height, const std::string& inside, const char* what) {
  return str("<svg viewBox='0 0 ", kWidth, " ", height, "' role='img' aria-label='", what, "'>",
             inside, "</svg>");
}

std::string rect(double x, double y, double width, double height, const char* colour) {
  return str("<rect x='", fixed(x, 1), "' y='", fixed(y, 1), "' width='", fixed(width, 1),
             "' height='", fixed(height, 1), "' class='", colour, "'/>");
}

std::string label(double x, double y, const std::string& text, const char* rest = "") {
  return str("<text x='", fixed(x, 1), "' y='", fixed(y, 1), "'", rest, ">", html_escape(text),
             "</text>");
}

double part(int64_t value, int64_t most) {
  return static_cast<double>(value) / static_cast<double>(std::max<int64_t>(1, most));
}

}  // namespace

std::string funnel_chart(const Json& steps) {
  int64_t most = 1;
  for (const auto& step : steps) most = std::max(most, step["rows"].get<int64_t>());
  std::string inside;
  double y = 0;
  for (const auto& step : steps) {
    const int64_t rows = step["rows"], dropped = step["dropped"];
    const int64_t added = step["added"];
    const auto left = kWidth * part(rows - dropped, most);
    inside += label(0, y + 12, step["name"].get<std::string>());
    inside += label(kWidth, y + 12,
                    str(rows - dropped + added, dropped > 0 ? str("  −", dropped) : "",
                        added > 0 ? str("  +", added) : ""),
                    " text-anchor='end' class='soft'");
    inside += rect(0, y + 16, left, kBar, "left");
    inside += rect(left, y + 16, kWidth * part(dropped, most), kBar, "gone");
    y += kRow;
  }
  return svg(y, inside, "rows left after each step");
}

std::string length_chart(const Json& before, const Json& after) {
  std::map<int64_t, std::pair<int64_t, int64_t>> bins;
  int64_t most = 1;
  for (const auto& bin : before) bins[bin["from"]].first = bin["rows"];
  for (const auto& bin : after) bins[bin["from"]].second = bin["rows"];
  for (const auto& [from, rows] : bins) most = std::max({most, rows.first, rows.second});
  constexpr double kHeight = 150, kBottom = 18;
  const auto step = kWidth / static_cast<double>(std::max<size_t>(1, bins.size()));
  std::string inside;
  double x = 0;
  for (const auto& [from, rows] : bins) {
    const auto bar = std::min(step * 0.42, 30.0);
    const auto high = [&](int64_t count) { return (kHeight - 14) * part(count, most); };
    inside += rect(x, kHeight - high(rows.first), bar, high(rows.first), "before");
    inside += rect(x + bar, kHeight - high(rows.second), bar, high(rows.second), "after");
    inside += label(x, kHeight + 14, human_count(static_cast<double>(from)), " class='soft'");
    x += step;
  }
  inside +=
      str("<line class='axis' x1='0' x2='", kWidth, "' y1='", kHeight, "' y2='", kHeight, "'/>");
  return svg(kHeight + kBottom, inside, "lengths of rows before and after");
}

std::string count_chart(const Json& counts) {
  std::vector<std::pair<std::string, int64_t>> bars;
  for (const auto& [name, rows] : counts.items()) bars.emplace_back(name, rows);
  std::ranges::stable_sort(bars, std::greater<>(), [](const auto& b) { return b.second; });
  constexpr size_t kMostBars = 12;
  if (bars.size() > kMostBars) {
    int64_t rest = 0;
    for (size_t i = kMostBars; i < bars.size(); ++i) rest += bars[i].second;
    bars.resize(kMostBars);
    bars.emplace_back("others", rest);
  }
  int64_t most = 1;
  for (const auto& [name, rows] : bars) most = std::max(most, rows);
  std::string inside;
  double y = 0;
  constexpr double kName = 70, kHigh = 22;
  for (const auto& [name, rows] : bars) {
    const auto width = (kWidth - kName - 60) * part(rows, most);
    inside += label(0, y + 13, excerpt(name, 12));
    inside += rect(kName, y + 2, width, kBar - 2, "after");
    inside += label(kName + width + 5, y + 13, str(rows), " class='soft'");
    y += kHigh;
  }
  return svg(y, inside, "rows by name");
}

std::string excerpt_of_summary(const Json& summary) {
  constexpr size_t kMostBytes = 3000;
  auto text = dump_yaml(summary);
  if (text.size() <= kMostBytes) return text;
  text.resize(text.rfind('\n', kMostBytes) + 1);
  return text + "… (all of it: report.json)\n";
}

}  // namespace tunewright::corpus

#include "tunewright/observe/catalogue/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "tunewright/base/str.h"

namespace tunewright::observe {
namespace {

constexpr std::array kColours = {36, 33, 35, 32, 31, 34};  // of ANSI
constexpr int kDotsAcross = 2, kDotsDown = 4, kLabel = 9;

struct Box {
  double left = std::numeric_limits<double>::infinity(), right = -left, low = left, high = -left;
};

Box box_of(const std::vector<Curve>& curves) {
  Box box;
  for (const auto& curve : curves) {
    for (const auto& [x, y] : curve.points) {
      if (!std::isfinite(y)) continue;
      box.left = std::min(box.left, x);
      box.right = std::max(box.right, x);
      box.low = std::min(box.low, y);
      box.high = std::max(box.high, y);
    }
  }
  if (box.right <= box.left) box.right = box.left + 1;
  if (box.high <= box.low) {
    const double half = std::max(std::abs(box.high) * 0.05, 1e-6);
    box.high += half;
    box.low -= half;
  }
  return box;
}

class Plane {
 public:
  explicit Plane(const PlotSize& size)
      : size_(size),
        dots_(static_cast<size_t>(size.columns * size.rows), 0),
        owners_(dots_.size(), -1) {}

  void dot(int x, int y, int owner) {
    const int width = size_.columns * kDotsAcross, height = size_.rows * kDotsDown;
    if (x < 0 || x >= width || y < 0 || y >= height) return;
    // The bits of U+2800's block, by column and row of the dot.
    constexpr unsigned char kBits[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};
    const auto at = static_cast<size_t>((y / kDotsDown) * size_.columns + x / kDotsAcross);
    dots_[at] = static_cast<unsigned char>(dots_[at] | kBits[x % kDotsAcross][y % kDotsDown]);
    owners_[at] = owner;
  }
  void line(std::pair<int, int> from, std::pair<int, int> to, int owner) {
    const int steps =
        std::max({std::abs(to.first - from.first), std::abs(to.second - from.second), 1});
    for (int i = 0; i <= steps; ++i) {
      const double part = double(i) / steps;
      dot(static_cast<int>(std::lround(from.first + part * (to.first - from.first))),
          static_cast<int>(std::lround(from.second + part * (to.second - from.second))), owner);
    }
  }
  std::string row(int y, bool colour) const {
    std::string text;
    int current = -1;
    for (int x = 0; x < size_.columns; ++x) {
      const auto at = static_cast<size_t>(y * size_.columns + x);
      if (colour && owners_[at] != current) {
        text += owners_[at] < 0 ? "\x1b[0m" : str("\x1b[", colour_of(owners_[at]), "m");
        current = owners_[at];
      }
      text += dots_[at] == 0 ? std::string(" ") : braille(dots_[at]);
    }
    return colour && current >= 0 ? text + "\x1b[0m" : text;
  }
  static int colour_of(int owner) { return kColours[static_cast<size_t>(owner) % kColours.size()]; }

 private:
  static std::string braille(unsigned char bits) {  // U+2800 + bits in UTF-8
    return {'\xE2', static_cast<char>(0xA0 | bits >> 6), static_cast<char>(0x80 | (bits & 0x3F))};
  }
  PlotSize size_;
  std::vector<unsigned char> dots_;
  std::vector<int> owners_;  // the last curve through each character
};

void draw(Plane& plane, const Curve& curve, int owner, const Box& box, const PlotSize& size) {
  const double width = size.columns * kDotsAcross - 1, height = size.rows * kDotsDown - 1;
  std::pair<int, int> last;
  bool goes_on = false;
  for (const auto& [x, y] : curve.points) {
    if (!std::isfinite(y)) {
      goes_on = false;
      continue;
    }
    const std::pair here = {
        static_cast<int>(std::lround(width * (x - box.left) / (box.right - box.left))),
        static_cast<int>(std::lround(height * (box.high - y) / (box.high - box.low)))};
    plane.line(goes_on ? last : here, here, owner);
    last = here;
    goes_on = true;
  }
}

std::string padded(const std::string& text, int width) {
  return std::string(static_cast<size_t>(std::max(0, width - static_cast<int>(text.size()))), ' ') +
         text;
}

std::string legend(const std::vector<Curve>& curves, bool colour) {
  std::string text;
  for (size_t i = 0; i < curves.size(); ++i) {
    const auto& points = curves[i].points;
    const auto mark =
        colour ? str("\x1b[", Plane::colour_of(static_cast<int>(i)), "m━━\x1b[0m") : "━━";
    text += str(std::string(kLabel + 2, ' '), mark, " ", without_controls(curves[i].name));
    if (!points.empty())
      text += str(": ", short_number(points.back().second), " at step ",
                  static_cast<int64_t>(points.back().first));
    text += "\n";
  }
  return text;
}

}  // namespace

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::vector<double> ticks(double low, double high, int count) {
  if (!(high > low) || !std::isfinite(high - low) || count < 1) return {low};
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double part = raw / power;
  const double step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  std::vector<double> list;
  for (double at = std::ceil(low / step); at * step <= high + step * 1e-9; ++at)
    list.push_back(at * step + 0.0);
  return list;
}

std::string braille_plot(const std::vector<Curve>& curves, const PlotSize& size, bool colour) {
  const auto box = box_of(curves);
  if (!std::isfinite(box.low)) return "(no points to draw)\n";
  Plane plane(size);
  for (size_t i = 0; i < curves.size(); ++i) draw(plane, curves[i], static_cast<int>(i), box, size);
  std::string text;
  for (int y = 0; y < size.rows; ++y) {
    const bool labelled = y == 0 || y == size.rows - 1 || y == size.rows / 2;
    const double value = box.high - (box.high - box.low) * y / std::max(1, size.rows - 1);
    text += str(padded(labelled ? short_number(value) : "", kLabel), labelled ? " ┤" : " │",
                plane.row(y, colour), "\n");
  }
  std::string line;
  for (int x = 0; x < size.columns; ++x) line += "─";
  const auto first = short_number(box.left), last = short_number(box.right);
  return text + std::string(kLabel + 1, ' ') + "└" + line + "\n" + std::string(kLabel + 2, ' ') +
         first + padded(str("step ", last), size.columns - static_cast<int>(first.size())) + "\n" +
         legend(curves, colour);
}

}  // namespace tunewright::observe

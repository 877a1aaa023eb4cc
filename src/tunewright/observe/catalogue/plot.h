#pragma once
#include <string>
#include <utility>
#include <vector>

namespace tunewright::observe {

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points;  // step, value; ascending steps
};

struct PlotSize {
  int columns = 72, rows = 14;  // characters of the plane, without axis and legend
};

// Curves over each other in Braille dots (2 × 4 to a character), with axes and a legend.  `colour`:
// each in its own colour, by ANSI codes; without, a character is shared by curves that cross it,
// and the legend says where each ends.
std::string braille_plot(const std::vector<Curve>& curves, const PlotSize& size, bool colour);

// Round numbers that lie within [low, high], about `count` of them.
std::vector<double> ticks(double low, double high, int count);
std::string short_number(double value);  // 4 digits that matter

}  // namespace tunewright::observe

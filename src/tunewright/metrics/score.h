#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/json.h"

namespace tunewright::metrics {

// What a metric says of a set of rows.
struct Score {
  double score = 0;               // finite, on the scale of the reference implementation
  std::string signature;          // every choice that decides it: "nrefs:1|case:mixed|…"
  Json details = Json::object();  // further figures by name, in the order they are shown
};

// What resampling needs of a metric: the figures of each row whose sums decide the score.
struct RowStatistics {
  size_t width = 0;            // figures a row
  std::vector<double> values;  // [rows, width]
  // The score of rows whose figures sum up to `sums` [width].  Finite for every set of rows.
  std::function<double(std::span<const double> sums)> score;

  std::vector<double> sums() const;
};

// A figure of each row, or none: the score is the mean of those that exist, 0 where none does.
// A row has two figures, the second of which counts it.
RowStatistics mean_of_rows(std::span<const std::optional<double>> figures);

}  // namespace tunewright::metrics

#pragma once
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/observe/catalogue/catalogue.h"
#include "tunewright/observe/catalogue/plot.h"

namespace tunewright::observe {

// Runs side by side.
struct Comparison {
  struct Line {
    std::string key;
    std::vector<Json> values;  // of each run; null: none
    int best = -1;             // the run whose figure is best; -1: cannot be said, or all the same
  };
  struct Chart {
    std::string metric;  // of metrics.jsonl
    std::vector<Curve> curves;
  };
  std::vector<std::string> names;
  std::vector<std::string> statuses;
  std::vector<Line> figures;   // losses, costs, evaluations
  std::vector<Line> settings;  // configuration and hashes, where the runs differ
  std::vector<Chart> charts;
};

// `metrics`: which curves; those that no run has are left out.
Comparison compare(const std::vector<RunRecord>& runs, const std::vector<std::string>& metrics);

Json comparison_json(const Comparison& comparison);
// For a terminal `width` characters wide.
std::string comparison_text(const Comparison& comparison, int width, bool colour);
// One page that needs nothing else, for a screen and a phone.
std::string comparison_page(const Comparison& comparison);

// Columns side by side, each as wide as its widest cell but none wider than `widest`; the first
// `texts` columns to the left, the others to the right.
std::string text_table(const std::vector<std::vector<std::string>>& rows, size_t texts,
                       size_t widest = 40);
size_t display_width(const std::string& utf8);

}  // namespace tunewright::observe

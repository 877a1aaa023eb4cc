#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/metrics/resampling.h"
#include "tunewright/metrics/verdict.h"

// Where a model got worse, although its figure as a whole may not have: its rows by one field at a
// time (label, length, any field that the rows carry).
namespace tunewright::metrics {

// A value for each row; rows with an empty one are in no slice.
struct SliceField {
  std::string name;
  std::vector<std::string> values;
};
// The field "length" in parts of about as many rows each: "1-57", "58-120".
SliceField length_slices(std::span<const int64_t> lengths, int64_t parts = 4);

struct SliceOptions {
  int64_t least_rows = 10;    // smaller slices are counted, not judged
  int64_t most_values = 100;  // a field with more different values says who a row is, not what kind
  double error_rate = 0.05;
  BootstrapOptions bootstrap;
};

struct Slice {
  std::string field, value;
  int64_t rows = 0, worse_rows = 0, better_rows = 0;
  Interval difference;                       // mean over its rows, candidate minus baseline
  double p_value = 1, adjusted_p_value = 1;  // the latter by Holm, over all slices
  Verdict verdict = Verdict::kNoDifference;
};

struct SliceReport {
  std::vector<Slice> slices;          // the lowest difference first
  std::vector<int64_t> worse_rows;    // the largest loss first
  int64_t small_slices = 0;           // with fewer than least_rows
  std::vector<std::string> left_out;  // fields with more than most_values
};

// How good each row's answer is, the larger the better (1 right, 0 wrong; a negative loss).  Where
// both are 0 or 1 in a slice the p-value is McNemar's exact one, elsewhere approximate
// randomisation.
SliceReport regression_slices(std::span<const double> candidate, std::span<const double> baseline,
                              std::span<const SliceField> fields, const SliceOptions& options = {});

// {"slices":[{"field","value","rows","worse_rows","better_rows","difference":{…},"p_value",
// "adjusted_p_value","verdict"}],"worse_rows":[…],"small_slices","left_out"}; at most `most_rows`
// rows.
Json to_json(const SliceReport& report, int64_t most_rows = 100);

Json to_json(const Interval& interval);  // {"value","low","high"}; null where not a number

}  // namespace tunewright::metrics

#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/document.h"
#include "tunewright/corpus/step.h"

// What a build counts on the way.  Sums of parts are the whole, whatever the cut, so that a report
// is the same however the work was divided.
namespace tunewright::corpus {

// A row that a step dropped or changed, to be shown.  Which ones are kept depends on the row alone.
struct Sample {
  uint64_t rank = 0;   // the smallest are kept
  int64_t origin = 0;  // number of the source row
  std::string reason, before, after;
};

struct StepTally {
  int64_t rows = 0, kept = 0, changed = 0, dropped = 0;
  int64_t added = 0;  // copies, and rows made from others
  std::map<std::string, int64_t> reasons;
  std::vector<Sample> dropped_samples, changed_samples;

  // Whether a sample of this rank would be kept.
  static bool has_room(const std::vector<Sample>& samples, uint64_t rank);
  static void keep(std::vector<Sample>& samples, Sample sample);
  void add(StepTally other);
};

// The number that decides which rows are shown.
uint64_t sample_rank(int64_t row, int64_t step);

// Lengths in characters: below 1, 2, 5, 10, 20, 50, … 10,000,000, and more.
inline constexpr std::array<int64_t, 23> kLengthEdges = {
    1,      2,      5,       10,      20,      50,       100,      200,
    500,    1000,   2000,    5000,    10000,   20000,    50000,    100000,
    200000, 500000, 1000000, 2000000, 5000000, 10000000, INT64_MAX};

struct TextTally {
  int64_t rows = 0, characters = 0, bytes = 0, shortest = INT64_MAX, longest = 0;
  std::array<int64_t, kLengthEdges.size()> lengths{};
  std::map<std::string, int64_t> languages, labels;  // of the fields that hold them

  void add(const Document& document);
  void add(const TextTally& other);
};

Json to_json(const StepTally& tally);
StepTally step_tally(const Json& json);
Json to_json(const TextTally& tally);
TextTally text_tally(const Json& json);

}  // namespace tunewright::corpus

#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tunewright/corpus/build/tally.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// The step that stands before the first of a recipe.
inline constexpr int64_t kReading = 0;

// A row on its way through a recipe.
struct TracedRow {
  int64_t origin = 0;   // number of the source row it comes from
  int64_t row = 0;      // its number in the input of the stage
  std::string line;     // as JSON
  std::string refused;  // why it could not be read; empty: it could
};

// What a step did to a row.  A row that was kept as it is leaves nothing.
struct RowEvent {
  int64_t origin = 0;
  Decision decision = Decision::kDropped;
  int64_t step = kReading;  // number in the recipe, from 1
  std::string reason;
};

struct ChainResult {
  std::vector<TracedRow> rows;
  std::vector<RowEvent> events;
  std::map<int64_t, StepTally> steps;  // by number
  TextTally texts;                     // of the rows that came
};

struct ChainStep {
  const Step* step = nullptr;  // borrowed
  int64_t number = 0;
};

// Steps that follow each other, each judging what the one before has kept.
class Chain {
 public:
  struct Options {
    bool rows_are_known = false;  // a stage before has read them: they are counted, and can be read
  };
  Chain(std::vector<ChainStep> steps, const Options& options)
      : steps_(std::move(steps)), options_(options) {}

  // Thread-safe.
  void judge(TracedRow row, ChainResult& result) const;

 private:
  struct Going {
    int64_t origin = 0, parent = 0;
    int64_t row = 0;    // what steps are told
    bool made = false;  // by a step: what becomes of it is not its origin's fate
  };
  // Where the first step needs no look at the row.
  bool judge_unseen(TracedRow& row, ChainResult& result) const;
  void go_on(Document document, const Going& going, size_t at, ChainResult& result) const;

  std::vector<ChainStep> steps_;
  Options options_;
};

}  // namespace tunewright::corpus

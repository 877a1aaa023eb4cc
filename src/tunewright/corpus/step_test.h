#pragma once
// For tests of steps: a step over lines, and what came of it.
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/run_step.h"

namespace tunewright::testing {

struct Ran {
  std::vector<Json> rows;  // of the output
  std::string ledger;
  corpus::StepCounts counts;
  Json summary;
};

inline Ran run_on(std::string_view step_name, std::string_view lines, const Json& options,
                  int64_t workers = 2) {
  const TemporaryFolder folder;
  write_file_atomic(folder / "in.jsonl", lines);
  const auto step = corpus::make_step(step_name, options);
  Ran ran;
  ran.counts = run_step(*step,
                        {.in = folder / "in.jsonl",
                         .out = folder / "out.jsonl",
                         .ledger = folder / "ledger.jsonl",
                         .workers = workers},
                        silent_reporter());
  ran.ledger = read_file(folder / "ledger.jsonl");
  ran.summary = step->summary();
  LineReader reader(folder / "out.jsonl");
  while (const auto line = reader.next()) ran.rows.push_back(parse_json(*line, "out"));
  return ran;
}

}  // namespace tunewright::testing

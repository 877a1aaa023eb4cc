#pragma once
#include <map>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/build/first_stage.h"
#include "tunewright/corpus/build/ledger.h"
#include "tunewright/corpus/build/outputs.h"
#include "tunewright/corpus/build/recipe.h"

namespace tunewright::corpus {

struct StepReport {
  std::string name;
  StepTally tally;
  Json summary = Json::object();
};

struct BuildFacts {
  const Recipe& recipe;
  const Input& input;
  const FirstStageResult& first;
  const std::vector<StepReport>& steps;  // reading first, splitting last where there is any
  const OutputsResult& outputs;
  const LedgerCounts& ledger;
  const std::map<int64_t, RowName>& names;  // of the samples
};

// What report.json holds, and report.html and README.md are made of: the verdict, what to look at,
// counts, lengths, samples.  Nothing of it depends on the machine or the time.
Json build_report(const BuildFacts& facts);

// The page: needs nothing else, and runs nothing.
std::string build_page(const Json& report);

// The data card, with the front matter that Hugging Face reads.
std::string data_card(const Json& report);

}  // namespace tunewright::corpus

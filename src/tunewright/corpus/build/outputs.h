#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tunewright/corpus/build/pass.h"

namespace tunewright::corpus {

struct OutputFile {
  std::string split;      // "train"
  std::string name;       // "train.jsonl"
  std::string sha256;     // empty: there is no row, and no file
  std::string first_row;  // as it stands in the file
  TextTally texts;
};

struct OutputsResult {
  std::vector<OutputFile> files;  // of each split, in order
  std::vector<uint8_t> fates;     // of each source row: 0 gone, else 1 + its split
  StageShards events;             // what splitting did to rows besides
  StepTally tally;
  Json summary = Json::object();
};

struct OutputsOptions {
  std::filesystem::path folder;  // of the files
  std::filesystem::path scratch;
  Step* split = nullptr;  // borrowed; null: all rows are for training
  int64_t split_number = 0;
  int64_t source_rows = 0;
  int64_t workers = 1;
};

// Writes the rows, each to the file of the split that the step gives it.  The rows stay as they
// are: what the step writes into them is not kept.
OutputsResult write_outputs(const StageShards& shards, const OutputsOptions& options,
                            Reporter& reporter);

}  // namespace tunewright::corpus

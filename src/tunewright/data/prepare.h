#pragma once
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "tunewright/data/render.h"

namespace tunewright::data {

// How a row's rendering for training relates to what serving renders before its (last supervised)
// answer, as `generate` and `chat` do.
enum class Serving {
  kSame,         // the training tokens begin with the prompt's
  kOtherText,    // the template renders the conversation otherwise, or refuses the prompt
  kOtherTokens,  // the same text, but a token reaches across the place where the answer begins
  kNotServed     // nothing to answer: no supervised answer, or none that a prompt could precede
};

// What is known of a row once it is rendered, before anything is cut.
struct RowFacts {
  int64_t length = 0;  // tokens
  bool supervised = false;
  int32_t end_token = -1;  // that ends what is supervised last and is trained; -1: none
  bool double_bos = false;
  float weight = 1;  // of the row in the loss
  Serving serving = Serving::kNotServed;
};
RowFacts examine(const TextModel& model, const rows::Row& row, const Example& rendered,
                 TrainOn train_on);

struct PreparedRow {
  rows::RowPlace place;
  rows::Format format = rows::Format::kAuto;
  std::vector<Example> examples;  // row and file are left to the caller
  Example rendered;               // the whole row, where it gave no example
  LedgerLine ledger;
  RowFacts facts;
  std::string refusal;       // the error that `overflow: error` ends training with; empty: none
  std::exception_ptr error;  // for prepare_file alone, which throws it in its turn
};

// Reads, renders, examines and tokenises the rows of a file on options.worker_count() threads, and
// gives them to `use`, on the caller's thread and in the order of the file.  A row that cannot be
// read or rendered is a UserError.  Memory is bounded, whatever the size of the file.
void prepare_file(const TextModel& model, const FileOptions& file, const DataOptions& options,
                  const std::function<void(PreparedRow&&)>& use);

}  // namespace tunewright::data

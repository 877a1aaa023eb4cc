#pragma once
#include <string>
#include <vector>

#include "tunewright/data/proof.h"

namespace tunewright::app {

// A row as training will see it.
struct ShownRow {
  rows::RowPlace place;
  data::LedgerLine ledger;
  std::vector<data::Example> examples;  // or, where `is_used` is false, the whole row
  bool is_used = true;
};

// The files of data.train or data.eval, and what the proof found.
struct PreviewSet {
  std::string name;
  std::vector<data::FileReport> files;
  std::vector<data::Finding> findings;
};

struct Preview {
  std::string config, model_path;
  data::DataOptions options;
  std::vector<PreviewSet> sets;
  std::vector<ShownRow> rows;

  bool fails() const;  // a fatal finding
};

// One page that needs nothing else.
std::string preview_page(const Preview& preview, const data::TextModel& model);

}  // namespace tunewright::app

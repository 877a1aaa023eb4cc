#pragma once
#include <string>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/base/random.h"
#include "tunewright/data/render.h"

namespace tunewright::data {

// All rows of some files, rendered.  Every input row has a ledger line.
struct Dataset {
  std::vector<Example> examples;
  std::vector<int64_t> file_of_example;  // index in the list of files
  std::vector<double> file_weights;
  std::vector<LedgerLine> ledger;
  std::string sha256;  // over the bytes of the files, in order

  int64_t tokens() const;
  int64_t supervised_tokens() const;
};

// Rows are tokenised on several threads; the result does not depend on their number.
// An empty set, or one without a supervised token, is a UserError.
Dataset load_dataset(const TextModel& model, const std::vector<FileOptions>& files,
                     const DataOptions& options, Reporter& reporter);

// Where in the sequence of micro-batches a run stands: all that resuming needs.
struct LoaderPosition {
  int64_t epoch = 0;
  int64_t next = 0;  // micro-batches of this epoch already given
};

// Deals examples into micro-batches, epoch after epoch; the sequence depends only on the data set,
// the options and the seed.
//
// An epoch has as many examples as the data set (files of weight 0 left out).  With equal weights
// each is used once.  Otherwise file i gives its share weight_i / sum of that number, in whole
// passes over its own (shuffled) examples and a part of one.
//
// Packing puts examples into sequences of at most max_length tokens, none of them cut: the best fit
// of decreasing lengths within a window of the shuffled order; without shuffling, in order.
class Loader {
 public:
  struct Options {
    int64_t batch_size = 8;  // rows; with packing, sequences of max_length
    int64_t max_length = 1024;
    bool packing = true;
    bool shuffle = true;
    uint64_t seed = 42;
  };
  Loader(const Dataset& dataset, Options options);  // dataset borrowed

  // The next micro-batch as its examples; starts the next epoch by itself.
  std::vector<const Example*> next();
  int64_t batches_per_epoch();  // of the current epoch
  LoaderPosition position() const { return position_; }
  void seek(LoaderPosition position);  // a position past the epoch's end is a UserError

 private:
  void deal_epoch();  // fills batches_ for position_.epoch
  const Dataset& dataset_;
  Options options_;
  LoaderPosition position_;
  std::vector<std::vector<int64_t>> batches_;  // of this epoch: indices into dataset_.examples
};

}  // namespace tunewright::data

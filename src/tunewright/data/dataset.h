#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/base/random.h"
#include "tunewright/data/proof.h"
#include "tunewright/data/store.h"

namespace tunewright::data {

// All rows of some files, rendered.  Every input row has a ledger line.  Tokens and ledger lie in
// files, so a data set may be larger than memory.
struct Dataset {
  ExampleStore examples;
  std::vector<double> file_weights;
  Ledger ledger;
  std::vector<FileReport> reports;  // of the files
  std::string sha256;               // over the bytes of the files, in order

  int64_t tokens() const { return examples.tokens(); }
  int64_t supervised_tokens() const { return examples.supervised_tokens(); }
};

// Where the tokens of a data set are kept.
struct Storage {
  std::optional<std::filesystem::path> cache;  // for the next run too; none: no cache
  std::optional<std::filesystem::path> spill;  // without a cache: an unnamed file in this folder;
                                               // none: in memory
  int64_t cache_limit_bytes = int64_t{20} << 30;
  std::string program;  // what else a cached data set depends on: a hash of the program
};

// Rows are rendered and tokenised on several threads; the result does not depend on their number.
// With a cache, the same rows, tokenizer, template and options are tokenised once.
// An empty set, or one without a supervised token, is a UserError.
Dataset load_dataset(const TextModel& model, const std::vector<FileOptions>& files,
                     const DataOptions& options, Reporter& reporter, const Storage& storage = {});

// Calls `use` with all examples in order, in batches of at most `max_tokens` tokens (a longer
// example stands alone), and the number of examples given so far, until it returns false; says
// whether it never did.
bool for_each_batch(const Dataset& dataset, int64_t max_tokens,
                    const std::function<bool(const Batch&, int64_t)>& use);

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
  std::vector<Example> next();
  // The same as indices into the data set's examples, of which none is read.
  std::vector<int64_t> next_indices();
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

#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/progress.h"
#include "tunewright/corpus/build/chain.h"
#include "tunewright/corpus/build/shard.h"

// One way over the rows of a build.
namespace tunewright::corpus {

// About so many bytes of rows go to a thread at once.
inline constexpr size_t kBatchBytes = 1 << 20;

// What comes out of a stage, and goes into the next.
struct StageShard {
  Shard shard;
  int64_t first_origin = 0;  // what the numbers of its origins count from
  int64_t rows = 0;
};
using StageShards = std::vector<StageShard>;
int64_t row_count(const StageShards& shards);

using UseBatch = std::function<void(std::vector<TracedRow>&&)>;

// The rows of one shard; they are numbered from `first_row`.
void for_each_batch(const StageShard& shard, int64_t first_row, const UseBatch& use);

struct PassView {
  Reporter& reporter;
  std::string label;  // of the progress bar
  int64_t workers = 1;
};
// The rows of all shards, with a progress bar.
void for_each_batch(const StageShards& shards, const PassView& view, const UseBatch& use);

// Lets a step see all rows before it judges the first.
struct ReadAheadView {
  PassView pass;
  std::filesystem::path scratch;  // a folder for what outgrows memory
};
void read_ahead(Step& step, const StageShards& shards, const ReadAheadView& view);

// Sends rows through a chain on several threads.
class ChainRunner {
 public:
  ChainRunner(const Chain& chain, int64_t workers)
      : workers_(workers, [&chain](std::vector<TracedRow>& rows) {
          ChainResult result;
          for (auto& row : rows) chain.judge(std::move(row), result);
          return result;
        }) {}

  using Use = std::function<void(ChainResult&&)>;
  // `use` gets the results, in order, when it suits.
  void put(std::vector<TracedRow>&& batch, const Use& use) {
    if (workers_.is_full()) use(workers_.take());
    workers_.put(std::move(batch));
  }
  void finish(const Use& use) {
    while (!workers_.is_empty()) use(workers_.take());
  }

 private:
  OrderedWorkers<std::vector<TracedRow>, ChainResult> workers_;
};

}  // namespace tunewright::corpus

#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/files.h"
#include "tunewright/corpus/build/chain.h"
#include "tunewright/corpus/build/tally.h"

namespace tunewright::corpus {

// So many source rows are one shard: what a build that was stopped does not do again, and what the
// jobs of an array share out.
inline constexpr int64_t kRowsPerShard = 20000;

// Consecutive source rows that stand one after the other in one file.
struct SourceRun {
  std::string source;
  int64_t first_row = 0, count = 0;
};

// What is known of a finished shard beside its rows.
struct ShardFacts {
  int64_t rows_in = 0;                    // of its input
  std::vector<int64_t> origins, parents;  // of each row that came out: source row, input row
  std::vector<RowEvent> events;           // in the order of the input
  std::vector<SourceRun> runs;            // the source rows, in the first stage alone
  std::map<int64_t, StepTally> steps;     // by the number of the step
  TextTally texts;                        // of the input, in the first stage alone
};

// The files of one shard: its rows, then, which says that it is finished, its facts.
class Shard {
 public:
  Shard(const std::filesystem::path& folder, const std::string& name)
      : rows_(folder / (name + ".jsonl")), facts_(folder / (name + ".facts")) {}

  const std::filesystem::path& rows_file() const { return rows_; }
  bool is_finished() const { return fs::exists(facts_); }
  void write_facts(const ShardFacts& facts) const;
  ShardFacts read_facts() const;
  void remove_rows() const;

 private:
  std::filesystem::path rows_, facts_;
};

// Fills a shard from what a chain gives, in order.
class ShardWriter {
 public:
  explicit ShardWriter(Shard shard) : shard_(std::move(shard)), rows_(shard_.rows_file()) {}
  void add_input(const std::string& source, int64_t row);  // a source row
  void add_input() { ++facts_.rows_in; }
  int64_t rows_in() const { return facts_.rows_in; }
  void add(ChainResult&& result);
  void commit();

 private:
  Shard shard_;
  AtomicFile rows_;
  std::string buffer_;
  ShardFacts facts_;
};

}  // namespace tunewright::corpus

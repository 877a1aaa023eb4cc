#include "tunewright/corpus/build/outputs.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

constexpr std::array<std::string_view, 3> kSplits = {"train", "validation", "test"};

struct SplitRow {
  size_t split = 0;
  int64_t origin = 0;
  std::string line;
};

struct SplitBatch {
  std::vector<SplitRow> rows;
  std::vector<RowEvent> events;
  StepTally tally;
  std::array<TextTally, kSplits.size()> texts;
};

size_t split_index(const Document& document) {
  const auto value = document.field("split");
  for (size_t i = 0; i < kSplits.size(); ++i) {
    if (value == kSplits[i]) return i;
  }
  throw InternalError(str("the step `split` wrote ", dump_json(value)));
}

// Gives a row its split; the line stays that of the row that came.
void assign(const OutputsOptions& options, TracedRow& row, SplitBatch& batch) {
  auto document = Document::parse(std::move(row.line), /*needs_text=*/false);
  SplitRow out{.split = 0, .origin = row.origin, .line = document.line()};
  ++batch.tally.rows;
  if (options.split != nullptr) {
    auto verdict = options.split->judge(document, row.row);
    if (verdict.decision == Decision::kDropped) {
      ++batch.tally.dropped;
      ++batch.tally.reasons[reason_kind(verdict.reason)];
      batch.events.push_back({.origin = row.origin,
                              .step = options.split_number,
                              .reason = std::move(verdict.reason)});
      return;
    }
    out.split = split_index(document);
  }
  ++batch.tally.kept;
  batch.texts[out.split].add(document);
  batch.rows.push_back(std::move(out));
}

// One file, made with its first row.
class SplitWriter {
 public:
  SplitWriter(const fs::path& folder, std::string_view split)
      : folder_(folder), file_{.split = std::string(split), .name = str(split, ".jsonl")} {}

  void add(const std::string& line) {
    if (!out_) {
      out_.emplace(folder_ / file_.name);
      file_.first_row = line;
    }
    (buffer_ += line) += '\n';
    if (buffer_.size() >= kBatchBytes) flush();
  }
  void add(const TextTally& texts) { file_.texts.add(texts); }

  OutputFile commit() {
    if (out_) {
      flush();
      out_->commit();
      file_.sha256 = hash_.hex_digest();
    }
    return std::move(file_);
  }

 private:
  void flush() {
    out_->write(std::string_view(buffer_));
    hash_.update(buffer_);
    buffer_.clear();
  }

  fs::path folder_;
  OutputFile file_;
  std::optional<AtomicFile> out_;
  Sha256 hash_;
  std::string buffer_;
};

class Outputs {
 public:
  explicit Outputs(const OutputsOptions& options) : options_(options) {
    result_.fates.resize(static_cast<size_t>(options.source_rows));
    const auto splits = options.split == nullptr ? 1 : kSplits.size();
    for (size_t i = 0; i < splits; ++i) writers_.emplace_back(options.folder, kSplits[i]);
  }

  void add(SplitBatch&& batch) {
    for (const auto& row : batch.rows) {
      writers_[row.split].add(row.line);
      auto& fate = result_.fates[static_cast<size_t>(row.origin)];
      if (fate == 0) fate = static_cast<uint8_t>(row.split + 1);
    }
    for (size_t i = 0; i < writers_.size(); ++i) writers_[i].add(batch.texts[i]);
    std::ranges::move(batch.events, std::back_inserter(events_.events));
    result_.tally.add(std::move(batch.tally));
  }

  OutputsResult commit() {
    for (auto& writer : writers_) result_.files.push_back(writer.commit());
    if (options_.split != nullptr) result_.summary = options_.split->summary();
    const Shard shard(options_.scratch, "split");
    shard.write_facts(events_);
    result_.events = {{shard}};
    return std::move(result_);
  }

 private:
  const OutputsOptions& options_;
  std::deque<SplitWriter> writers_;  // which do not move
  ShardFacts events_;
  OutputsResult result_;
};

}  // namespace

OutputsResult write_outputs(const StageShards& shards, const OutputsOptions& options,
                            Reporter& reporter) {
  if (options.split != nullptr) {
    read_ahead(*options.split, shards,
               {.pass = {reporter, "split, reading", options.workers}, .scratch = options.scratch});
  }
  Outputs outputs(options);
  OrderedWorkers<std::vector<TracedRow>, SplitBatch> workers(options.workers,
                                                             [&](std::vector<TracedRow>& rows) {
                                                               SplitBatch batch;
                                                               for (auto& row : rows)
                                                                 assign(options, row, batch);
                                                               return batch;
                                                             });
  for_each_batch(shards, {reporter, "writing", options.workers},
                 [&](std::vector<TracedRow>&& batch) {
                   if (workers.is_full()) outputs.add(workers.take());
                   workers.put(std::move(batch));
                 });
  while (!workers.is_empty()) outputs.add(workers.take());
  return outputs.commit();
}

}  // namespace tunewright::corpus

#include "tunewright/corpus/build/pass.h"

#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::corpus {
namespace {

Batch parsed(const Step& step, std::vector<TracedRow>& rows) {
  Batch batch;
  for (auto& row : rows) {
    if (!step.wants(row.row)) continue;
    try {
      batch.documents.push_back(Document::parse(std::move(row.line), step.needs_text()));
      batch.rows.push_back(row.row);
    } catch (const UserError&) {  // judging says why
    }
  }
  return batch;
}

void read_once(Step& step, const StageShards& shards, const PassView& view) {
  using Notes = std::unique_ptr<Step::Notes>;
  OrderedWorkers<std::vector<TracedRow>, Notes> workers(
      view.workers, [&](std::vector<TracedRow>& rows) { return step.read(parsed(step, rows)); });
  for_each_batch(shards, view, [&](std::vector<TracedRow>&& batch) {
    if (workers.is_full()) step.collect(workers.take());
    workers.put(std::move(batch));
  });
  while (!workers.is_empty()) step.collect(workers.take());
  check_stop();
  step.decide(view.reporter);
}

}  // namespace

int64_t row_count(const StageShards& shards) {
  int64_t rows = 0;
  for (const auto& shard : shards) rows += shard.rows;
  return rows;
}

void for_each_batch(const StageShard& shard, int64_t first_row, const UseBatch& use) {
  const auto facts = shard.shard.read_facts();
  LineReader lines(shard.shard.rows_file());
  std::vector<TracedRow> batch;
  size_t bytes = 0;
  for (size_t i = 0; i < facts.origins.size(); ++i) {
    const auto line = lines.next();
    if (!line) {
      throw UserError(str(shard.shard.rows_file().string(),
                          ": ends too early; remove its folder to build from the start"));
    }
    bytes += line->size();
    batch.push_back({.origin = shard.first_origin + facts.origins[i],
                     .row = first_row + static_cast<int64_t>(i),
                     .line = std::string(*line),
                     .refused = {}});
    if (bytes < kBatchBytes) continue;
    check_stop();
    use(std::exchange(batch, {}));
    bytes = 0;
  }
  check_stop();
  if (!batch.empty()) use(std::move(batch));
}

void for_each_batch(const StageShards& shards, const PassView& view, const UseBatch& use) {
  const auto total = row_count(shards);
  int64_t first_row = 0;
  for (const auto& shard : shards) {
    for_each_batch(shard, first_row, [&](std::vector<TracedRow>&& batch) {
      const auto done = batch.back().row + 1;
      use(std::move(batch));
      view.reporter.progress(view.label, done, total, "rows", "");
    });
    first_row += shard.rows;
  }
  view.reporter.finish_progress();
}

void read_ahead(Step& step, const StageShards& shards, const ReadAheadView& view) {
  step.prepare({.scratch = view.scratch, .workers = view.pass.workers});
  for (int64_t pass = 0; pass < step.passes(); ++pass) read_once(step, shards, view.pass);
}

}  // namespace tunewright::corpus

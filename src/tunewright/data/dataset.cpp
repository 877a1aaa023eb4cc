#include "tunewright/data/dataset.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <thread>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::data {
namespace {

// Rows read before they are tokenised together: bounds the memory of parsed rows.
constexpr size_t kRowsAtOnce = 1024;
constexpr size_t kRowsTaken = 16;  // by a thread at a time

struct PendingRow {
  rows::RowPlace place;
  Json json;
  std::vector<Example> examples;
  LedgerLine ledger;
  std::exception_ptr error;
};

void check(const std::vector<FileOptions>& files, const DataOptions& options) {
  if (files.empty()) throw UserError("data: names no file; add train: [{path: train.jsonl}]");
  if (options.max_length < 2) {
    throw UserError(str("data.max_length: must be at least 2, got ", options.max_length));
  }
  double sum = 0;
  for (const auto& file : files) {
    if (!std::isfinite(file.weight) || file.weight < 0) {
      throw UserError(str(file.path, ": weight: must be 0 or more, got ", file.weight));
    }
    sum += file.weight;
  }
  if (sum == 0) throw UserError("data: every file has weight 0; nothing would be sampled");
}

class RowPipeline {
 public:
  RowPipeline(const TextModel& model, const DataOptions& options, Dataset& dataset)
      : model_(model), options_(options), dataset_(dataset) {}

  void put(const rows::RowPlace& place, Json&& json, const FileOptions& file, int64_t file_index) {
    format_ = file.format;
    file_index_ = file_index;
    pending_.push_back({.place = place, .json = std::move(json)});
    if (pending_.size() == kRowsAtOnce) flush();
  }

  // Tokenises what is pending and adds it in order.
  void flush() {
    process_all();
    for (auto& row : pending_) add(row);
    pending_.clear();
  }

 private:
  void process(PendingRow& row) const {
    try {
      row.examples =
          fit(model_, rows::to_row(row.json, format_, row.place), options_, row.place, row.ledger);
    } catch (...) {
      row.error = std::current_exception();
    }
    row.json = nullptr;
  }

  void process_all() {
    std::atomic<size_t> next = 0;
    const auto work = [&] {
      for (size_t begin = 0; (begin = next.fetch_add(kRowsTaken)) < pending_.size();) {
        const size_t end = std::min(begin + kRowsTaken, pending_.size());
        for (size_t i = begin; i < end; ++i) process(pending_[i]);
      }
    };
    const size_t useful = pending_.size() / kRowsTaken;
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < std::min<size_t>(useful, static_cast<size_t>(core_count())); ++i)
      helpers.emplace_back(work);
    work();
  }

  void add(PendingRow& row) {
    if (row.error) std::rethrow_exception(row.error);
    for (auto& example : row.examples) {
      example.row = static_cast<int64_t>(dataset_.ledger.size());
      dataset_.examples.push_back(std::move(example));
      dataset_.file_of_example.push_back(file_index_);
    }
    dataset_.ledger.push_back(std::move(row.ledger));
  }

  const TextModel& model_;
  const DataOptions& options_;
  Dataset& dataset_;
  rows::Format format_ = rows::Format::kAuto;
  int64_t file_index_ = 0;
  std::vector<PendingRow> pending_;
};

// Says what became of the rows of a file where some were not used as they stand.
void report_losses(const Dataset& dataset, size_t first_line, const FileOptions& file,
                   Reporter& reporter) {
  int64_t changed = 0, dropped = 0;
  std::string first_reason;
  for (size_t i = first_line; i < dataset.ledger.size(); ++i) {
    const auto& line = dataset.ledger[i];
    changed += line.decision == "changed";
    dropped += line.decision == "dropped";
    if (line.decision != "kept" && first_reason.empty())
      first_reason = str("row ", line.row, ": ", line.reason);
  }
  if (first_reason.empty()) return;
  reporter.warn(str(file.path, ": of ", dataset.ledger.size() - first_line, " rows ", changed,
                    " were changed and ", dropped, " dropped (first: ", first_reason,
                    "); the ledger names each"));
}

void load_file(RowPipeline& pipeline, const FileOptions& file, int64_t index, Reporter& reporter) {
  int64_t rows = 0;
  rows::for_each_row(file.path, [&](const rows::RowPlace& place, Json&& json) {
    pipeline.put(place, std::move(json), file, index);
    if (++rows % 256 == 0) reporter.progress("reading data", rows, 0, "rows", file.path);
  });
  pipeline.flush();
}

std::string hash_files(const std::vector<FileOptions>& files) {
  Sha256 hash;
  for (const auto& file : files) hash.update(MappedFile(file.path).text());
  return hash.hex_digest();
}

void check_not_empty(const Dataset& dataset, const std::vector<FileOptions>& files) {
  bool any = false;
  for (const auto file : dataset.file_of_example)
    any |= dataset.file_weights[static_cast<size_t>(file)] > 0;
  if (any) return;
  const auto dropped = std::ranges::find(dataset.ledger, "dropped", &LedgerLine::decision);
  const auto why = dropped == dataset.ledger.end()
                       ? "their weight is 0"
                       : str("row ", dropped->row, ": ", dropped->reason);
  throw UserError(str(files.front().path, files.size() > 1 ? " and the other files" : "",
                      ": none of the ", dataset.ledger.size(), " rows can be trained on (first: ",
                      why, "); `tunewright data preview` shows them"));
}

}  // namespace

int64_t Dataset::tokens() const {
  int64_t sum = 0;
  for (const auto& example : examples) sum += static_cast<int64_t>(example.ids.size());
  return sum;
}

int64_t Dataset::supervised_tokens() const {
  int64_t sum = 0;
  for (const auto& example : examples) sum += example.supervised_tokens();
  return sum;
}

Dataset load_dataset(const TextModel& model, const std::vector<FileOptions>& files,
                     const DataOptions& options, Reporter& reporter) {
  check(files, options);
  Dataset dataset;
  RowPipeline pipeline(model, options, dataset);
  for (size_t i = 0; i < files.size(); ++i) {
    const size_t first_line = dataset.ledger.size();
    load_file(pipeline, files[i], static_cast<int64_t>(i), reporter);
    dataset.file_weights.push_back(files[i].weight);
    report_losses(dataset, first_line, files[i], reporter);
  }
  reporter.finish_progress();
  check_not_empty(dataset, files);
  dataset.sha256 = hash_files(files);
  return dataset;
}

}  // namespace tunewright::data

#include "tunewright/data/dataset.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/data/cache.h"

namespace tunewright::data {
namespace {

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

// Says what became of the rows of a file where some were not used as they stand.
void report_losses(const FileReport& report, Reporter& reporter) {
  if (report.first_loss.empty()) return;
  reporter.warn(str(report.path, ": of ", report.rows, " rows ", report.changed,
                    " were changed and ", report.dropped, " dropped (first: ", report.first_loss,
                    "); the ledger names each"));
}

void add_row(Dataset& dataset, PreparedRow&& row, int64_t file) {
  if (!row.refusal.empty()) throw UserError(row.refusal);
  for (auto& example : row.examples) {
    example.row = static_cast<int64_t>(dataset.ledger.size());
    example.file = file;
    dataset.examples.push_back(example);
  }
  dataset.ledger.push_back(row.ledger);
}

struct Sources {
  const TextModel& model;
  const std::vector<FileOptions>& files;
  const DataOptions& options;
};

void fill(Dataset& dataset, const Sources& sources, Reporter& reporter) {
  for (size_t i = 0; i < sources.files.size(); ++i) {
    const auto& file = sources.files[i];
    FileReport report{.path = file.path};
    prepare_file(sources.model, file, sources.options, [&](PreparedRow&& row) {
      report.add(row, sources.model, sources.options.max_length);
      add_row(dataset, std::move(row), static_cast<int64_t>(i));
      if (report.rows % 256 == 0)
        reporter.progress("reading data", report.rows, 0, "rows", file.path);
    });
    dataset.reports.push_back(std::move(report));
  }
  reporter.finish_progress();
}

std::string hash_files(const std::vector<FileOptions>& files) {
  Sha256 hash;
  for (const auto& file : files)
    Spool::open(file.path).for_each_chunk([&](std::string_view chunk) { hash.update(chunk); });
  return hash.hex_digest();
}

// A hash of all that prepared rows depend on.  The paths are in the ledger, so they count too.
std::string cache_key(const Sources& sources, const std::string& data_sha256,
                      const std::string& program) {
  const Json options = to_json_object(sources.options);
  Json parts = {{"program", program},
                {"data", data_sha256},
                {"text_model", sources.model.sha256},
                {"max_length", sources.options.max_length},
                {"overflow", options["overflow"]},
                {"train_on", options["train_on"]},
                {"files", Json::array()}};
  for (const auto& file : sources.files) {
    parts["files"].push_back({file.path, rows::format_name(file.format), fs::file_size(file.path)});
  }
  return sha256(dump_json(parts));
}

Dataset prepare(const Sources& sources, const std::string& data_sha256, const Storage& storage,
                Reporter& reporter) {
  Dataset dataset;
  if (storage.spill) {
    dataset.examples = ExampleStore(Spool::unnamed_in(*storage.spill));
    dataset.ledger = Ledger(Spool::unnamed_in(*storage.spill));
  }
  dataset.sha256 = data_sha256;
  fill(dataset, sources, reporter);
  return dataset;
}

Dataset find_or_prepare(const Sources& sources, const Storage& storage, Reporter& reporter) {
  const auto data_sha256 = hash_files(sources.files);
  if (!storage.cache) return prepare(sources, data_sha256, storage, reporter);
  const Cache cache(*storage.cache, storage.cache_limit_bytes);
  if (!cache.is_usable()) {
    reporter.warn(str(storage.cache->string(),
                      ": cannot be written, so tokenised rows are not kept for the next run; set "
                      "data.cache to another folder, or to off"));
    return prepare(sources, data_sha256, storage, reporter);
  }
  const auto key = cache_key(sources, data_sha256, storage.program);
  if (auto cached = cache.find(key, reporter)) {
    reporter.info(str("data: ", cached->ledger.size(), " rows were tokenised before (",
                      (*storage.cache / key).string(), ")"));
    return std::move(*cached);
  }
  return cache.make(key, [&](Dataset& dataset) {
    dataset.sha256 = data_sha256;
    fill(dataset, sources, reporter);
  });
}

void check_not_empty(const Dataset& dataset, const std::vector<FileOptions>& files) {
  std::string first_loss = "their weight is 0";
  for (size_t i = 0; i < files.size(); ++i) {
    const auto& report = dataset.reports[i];
    if (report.examples > 0 && files[i].weight > 0) return;
    if (!report.first_loss.empty()) first_loss = report.first_loss;
  }
  throw UserError(str(files.front().path, files.size() > 1 ? " and the other files" : "",
                      ": none of the ", dataset.ledger.size(), " rows can be trained on (first: ",
                      first_loss, "); `tunewright data preview` shows them"));
}

}  // namespace

Dataset load_dataset(const TextModel& model, const std::vector<FileOptions>& files,
                     const DataOptions& options, Reporter& reporter, const Storage& storage) {
  check(files, options);
  auto dataset = find_or_prepare({model, files, options}, storage, reporter);
  for (const auto& file : files) dataset.file_weights.push_back(file.weight);
  for (const auto& report : dataset.reports) report_losses(report, reporter);
  check_not_empty(dataset, files);
  return dataset;
}

bool for_each_batch(const Dataset& dataset, int64_t max_tokens,
                    const std::function<bool(const Batch&, int64_t)>& use) {
  const auto size = static_cast<int64_t>(dataset.examples.size());
  std::vector<const Example*> views;
  for (int64_t begin = 0, end = 0; begin < size; begin = end) {
    std::vector<Example> examples;
    int64_t tokens = 0;
    for (; end < size; ++end) {
      tokens += dataset.examples.length(static_cast<size_t>(end));
      if (tokens > max_tokens && end > begin) break;
      examples.push_back(dataset.examples[static_cast<size_t>(end)]);
    }
    views.clear();
    for (const auto& example : examples) views.push_back(&example);
    if (!use(make_batch(views), end)) return false;
  }
  return true;
}

}  // namespace tunewright::data

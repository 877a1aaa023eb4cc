#include "tunewright/data/cache.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::data {
namespace {

constexpr const char* kExamples = "examples.bin";
constexpr const char* kIndex = "index.bin";
constexpr const char* kLedger = "ledger.jsonl";
constexpr const char* kEntry = "entry.json";
constexpr auto kAbandonedAfter =
    std::chrono::hours(24);  // a half-written entry of a killed process

// What entry.json holds.
struct EntryFile {
  std::string key, data_sha256;
  std::vector<FileReport> reports;
  std::string examples, index, ledger;  // checksums
  std::string sha256;                   // of this file's other fields
};

template <class V>
void fields(V& v, EntryFile& o) {
  v("key", o.key, "Hash of all that the entry depends on.");
  v("data_sha256", o.data_sha256, "Of the rows' bytes.");
  v("reports", o.reports, "Of the files.");
  v("examples", o.examples, "Checksum of examples.bin.");
  v("index", o.index, "Checksum of index.bin.");
  v("ledger", o.ledger, "Checksum of ledger.jsonl.");
  v("sha256", o.sha256, "Of the other fields.");
}

std::string own_sha256(EntryFile entry) {
  entry.sha256.clear();
  return sha256(dump_json(to_json_object(entry)));
}

// As text: JSON readers do not agree on 64 bits.
std::string checksum(const Spool& spool) { return str(spool.size(), ":", spool.checksum()); }

Spool open_checked(const fs::path& path, const std::string& expected) {
  auto spool = Spool::open(path);
  if (checksum(spool) != expected)
    throw UserError(str(path.string(), ": its bytes are not those that were written"));
  return spool;
}

Dataset open_entry(const fs::path& folder, const std::string& key) {
  const auto path = folder / kEntry;
  const auto entry = from_json<EntryFile>(read_json(path), path.string());
  if (entry.sha256 != own_sha256(entry))
    throw UserError(str(path.string(), ": its fields are not those that were written"));
  if (entry.key != key) throw UserError(str(path.string(), ": is of another key"));
  Dataset dataset;
  dataset.examples = ExampleStore::open(open_checked(folder / kExamples, entry.examples),
                                        open_checked(folder / kIndex, entry.index));
  dataset.ledger = Ledger::open(open_checked(folder / kLedger, entry.ledger));
  dataset.reports = entry.reports;
  dataset.sha256 = entry.data_sha256;
  return dataset;
}

void write_entry(const fs::path& folder, const std::string& key, Dataset& dataset) {
  auto index = Spool::create(folder / kIndex);
  dataset.examples.save_index(index);
  dataset.ledger.text().flush();
  EntryFile entry{.key = key,
                  .data_sha256 = dataset.sha256,
                  .reports = dataset.reports,
                  .examples = checksum(dataset.examples.token_file()),
                  .index = checksum(index),
                  .ledger = checksum(dataset.ledger.text())};
  entry.sha256 = own_sha256(entry);
  write_file_atomic(folder / kEntry, pretty_json(to_json_object(entry)));
}

struct Used {
  fs::file_time_type when;
  fs::path folder;
  int64_t bytes = 0;
};

int64_t bytes_in(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(folder, ignored)) {
    if (const auto size = file.file_size(ignored); !ignored) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace

bool Cache::is_usable() const {
  std::error_code code;
  fs::create_directories(folder_, code);
  return fs::is_directory(folder_, code) && ::access(folder_.c_str(), R_OK | W_OK | X_OK) == 0;
}

std::optional<Dataset> Cache::find(const std::string& key, Reporter& reporter) const {
  const auto folder = folder_ / key;
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return std::nullopt;
  try {
    auto dataset = open_entry(folder, key);
    fs::last_write_time(folder / kEntry, fs::file_time_type::clock::now(), ignored);
    return dataset;
  } catch (const UserError& error) {
    reporter.warn(str("the cached tokens cannot be used (", full_message(error),
                      "); the rows are tokenised again"));
  }
  fs::remove_all(folder, ignored);
  return std::nullopt;
}

Dataset Cache::make(const std::string& key, const std::function<void(Dataset&)>& fill) const {
  Dataset dataset;
  write_folder_atomic(folder_ / key, [&](const fs::path& folder) {
    dataset.examples = ExampleStore(Spool::create(folder / kExamples));
    dataset.ledger = Ledger(Spool::create(folder / kLedger));
    fill(dataset);
    write_entry(folder, key, dataset);
  });
  remove_unused(key);
  return dataset;
}

// Other processes may be doing the same: what is gone already is no error.
void Cache::remove_unused(const std::string& kept) const {
  std::error_code ignored;
  const auto now = fs::file_time_type::clock::now();
  std::vector<Used> entries;
  int64_t bytes = 0;
  for (const auto& item : fs::directory_iterator(folder_, ignored)) {
    const bool half_written = item.path().filename().string().starts_with('.');
    const auto when =
        fs::last_write_time(half_written ? item.path() : item.path() / kEntry, ignored);
    if (half_written && !ignored && now - when > kAbandonedAfter) fs::remove_all(item, ignored);
    if (half_written || !item.is_directory(ignored)) continue;
    entries.push_back({.when = when, .folder = item.path(), .bytes = bytes_in(item.path())});
    bytes += entries.back().bytes;
  }
  std::ranges::sort(entries, {}, &Used::when);
  for (const auto& entry : entries) {
    if (bytes <= limit_bytes_) return;
    if (entry.folder.filename() == kept) continue;
    fs::remove_all(entry.folder, ignored);
    bytes -= entry.bytes;
  }
}

}  // namespace tunewright::data

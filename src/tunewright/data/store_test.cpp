#include <filesystem>
#include <utility>

#include "tunewright/base/files.h"
#include "tunewright/base/spool.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/test.h"
#include "tunewright/data/cache.h"

namespace tunewright::data {
namespace {

using testing::TemporaryFolder;

const TextModel& tiny() {
  static const TextModel model = TextModel::load(testing::source_path("tests/data/tiny_chat"));
  return model;
}

void expect_same(const Example& one, const Example& other) {
  EXPECT_EQ(one.ids, other.ids);
  EXPECT_EQ(one.labels, other.labels);
  EXPECT_EQ(one.weights, other.weights);
  EXPECT_EQ(one.row, other.row);
  EXPECT_EQ(one.file, other.file);
}

void expect_same(const Dataset& one, const Dataset& other) {
  ASSERT_EQ(one.examples.size(), other.examples.size());
  for (size_t i = 0; i < one.examples.size(); ++i) expect_same(one.examples[i], other.examples[i]);
  ASSERT_EQ(one.ledger.size(), other.ledger.size());
  for (size_t i = 0; i < one.ledger.size(); ++i)
    EXPECT_EQ(dump_json(to_json(one.ledger[i])), dump_json(to_json(other.ledger[i])));
  EXPECT_EQ(one.sha256, other.sha256);
  EXPECT_EQ(one.file_weights, other.file_weights);
  EXPECT_EQ(one.tokens(), other.tokens());
  EXPECT_EQ(one.supervised_tokens(), other.supervised_tokens());
}

TEST(Spool, ReadsWhatWasAppendedWrittenOrNot) {
  const TemporaryFolder folder;
  for (auto make : {+[](const std::filesystem::path&) { return Spool::in_memory(); },
                    +[](const std::filesystem::path& p) { return Spool::unnamed_in(p); },
                    +[](const std::filesystem::path& p) { return Spool::create(p / "spool"); }}) {
    auto spool = make(folder.path());
    std::string all;
    for (int i = 0; i < 60'000; ++i) {
      const auto piece = str(i, ",");
      spool.append(piece);
      all += piece;
    }
    std::string got(1000, ' ');
    for (const size_t at : {size_t{0}, all.size() / 2, size_t{262'144 - 500}, all.size() - 1000}) {
      spool.read(static_cast<int64_t>(at), got);
      EXPECT_EQ(got, all.substr(at, 1000));
    }
    EXPECT_USER_ERROR(spool.read(spool.size() - 999, got), "ends before byte");
    const auto checksum = spool.checksum();
    spool.flush();
    EXPECT_EQ(spool.checksum(), checksum);
  }
  EXPECT_EQ(static_cast<int64_t>(read_file(folder / "spool").size()),
            Spool::open(folder / "spool").size());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_USER_ERROR(Spool::open(folder / "none"), "cannot open");
  EXPECT_USER_ERROR(Spool::unnamed_in(folder / "none"), "cannot create a temporary file there");
}

TEST(ExampleStore, GivesBackWhatWasPut) {
  const std::vector<Example> examples = {
      {.ids = {1, 2, 3}, .labels = {kIgnoreLabel, 2, 3}, .row = 7, .file = 1},
      {.ids = {0, 2147483647}, .labels = {kIgnoreLabel, 2147483647}, .weights = {0, 0.25F}},
      {},
      {.ids = {5, 6}, .labels = {5, 6}, .row = 9}};
  ExampleStore store;
  for (const auto& example : examples) store.push_back(example);
  auto index = Spool::in_memory();
  store.save_index(index);
  const TemporaryFolder folder;
  write_file_atomic(folder / "tokens", [&] {
    std::string bytes(static_cast<size_t>(store.token_file().size()), '\0');
    store.token_file().read(0, bytes);
    return bytes;
  }());
  const auto opened = ExampleStore::open(Spool::open(folder / "tokens"), index);
  for (const auto* each : {&std::as_const(store), &opened}) {
    ASSERT_EQ(each->size(), examples.size());
    for (size_t i = 0; i < examples.size(); ++i) {
      expect_same((*each)[i], examples[i]);
      EXPECT_EQ(each->length(i), static_cast<int64_t>(examples[i].ids.size()));
      EXPECT_EQ(each->file(i), examples[i].file);
    }
    EXPECT_EQ(each->tokens(), 7);
    EXPECT_EQ(each->supervised_tokens(), 4);  // the last one's first label predicts nothing
  }
  EXPECT_THROW(store.push_back({.ids = {1}, .labels = {2}}), InternalError);
}

TEST(Ledger, FindsAnyLine) {
  Ledger ledger;
  for (int64_t i = 0; i < 1000; ++i)
    ledger.push_back({.source = "ä\n\".jsonl", .row = i, .decision = "kept", .tokens = 2 * i});
  const TemporaryFolder folder;
  auto file = Spool::create(folder / "ledger.jsonl");
  ledger.text().for_each_chunk([&](std::string_view chunk) { file.append(chunk); });
  const auto opened = Ledger::open(std::move(file));
  for (const auto* each : {&std::as_const(ledger), &opened}) {
    ASSERT_EQ(each->size(), 1000u);
    for (const size_t i : {0, 1, 63, 64, 65, 500, 999}) {
      EXPECT_EQ(each->at(i).row, static_cast<int64_t>(i));
      EXPECT_EQ(each->at(i).source, "ä\n\".jsonl");
      EXPECT_EQ((*each)[i].tokens, static_cast<int64_t>(2 * i));
    }
    EXPECT_THROW(each->at(1000), InternalError);
  }
}

// ---- the cache

class Listener : public Reporter {
 public:
  void progress(std::string_view label, int64_t, int64_t, std::string_view,
                std::string_view) override {
    progress_seen += label == "reading data";
  }
  void finish_progress() override {}
  void info(std::string_view message) override { said += std::string(message) + "\n"; }
  void warn(std::string_view message) override { said += std::string(message) + "\n"; }
  std::string said;
  int progress_seen = 0;
};

class CachedDataset : public ::testing::Test {
 protected:
  CachedDataset() {
    std::string lines;
    for (int i = 0; i < 600; ++i)
      lines += str("{\"prompt\":\"", i, "\",\"completion\":\"", std::string(size_t(i % 9), 'z'),
                   "\"}\n");
    write_file_atomic(folder_ / "rows.jsonl", lines + "{\"text\":\"zzzzzzzzzzzzzzzzzzzzzz\"}\n");
    files_ = {{.path = (folder_ / "rows.jsonl").string()}};
    storage_.cache = folder_ / "cache";
  }
  Dataset load(Reporter& reporter) {
    return load_dataset(tiny(), files_, options_, reporter, storage_);
  }
  // What is said by a load; it must give what a load without a cache gives.
  std::string say() {
    Listener listener;
    const auto cached = load(listener);
    const bool read = listener.progress_seen > 0;
    EXPECT_EQ(read, listener.said.find("were tokenised before") == std::string::npos);
    expect_same(cached, load_dataset(tiny(), files_, options_, silent_reporter()));
    return (read ? "[read] " : "[cached] ") + listener.said;
  }
  std::vector<std::filesystem::path> entries() {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(*storage_.cache))
      found.push_back(entry.path());
    return found;
  }
  TemporaryFolder folder_;
  std::vector<FileOptions> files_;
  DataOptions options_ = {.max_length = 16, .overflow = Overflow::kTruncate};
  Storage storage_;
};

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(CachedDataset, IsTokenisedOnce) {
  EXPECT_THAT(say(), StartsWith("[read]"));
  const auto second = say();
  EXPECT_THAT(second, StartsWith("[cached]"));
  EXPECT_THAT(second, HasSubstr("1 were changed and 0 dropped (first: row 600: truncated"));
  EXPECT_EQ(entries().size(), 1u);
}

TEST_F(CachedDataset, WhateverMattersMakesAnotherEntry) {
  say();
  const auto expect_read = [&](const char* what) {
    EXPECT_THAT(say(), StartsWith("[read]")) << what;
    EXPECT_THAT(say(), StartsWith("[cached]")) << what;
  };
  options_.max_length = 15;
  expect_read("max_length");
  options_.overflow = Overflow::kDrop;
  expect_read("overflow");
  options_.train_on = TrainOn::kAll;
  expect_read("train_on");
  storage_.program = "another";
  expect_read("program");
  write_file_atomic(files_[0].path, read_file(files_[0].path) + "{\"text\":\"more\"}\n");
  expect_read("rows");
  files_[0].format = rows::Format::kAuto;
  files_[0].weight = 3;
  options_.num_workers = 3;
  options_.packing = false;
  EXPECT_THAT(say(), StartsWith("[cached]")) << "what does not matter";
}

TEST_F(CachedDataset, DamageIsFoundAndMended) {
  say();
  for (const std::string name : {"examples.bin", "index.bin", "ledger.jsonl", "entry.json"}) {
    const auto path = entries().at(0) / name;
    auto bytes = read_file(path);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file_atomic(path, bytes);
    EXPECT_THAT(say(), ::testing::AllOf(HasSubstr("cached tokens cannot be used"),
                                        HasSubstr("are tokenised again"), HasSubstr(name)));
    EXPECT_THAT(say(), StartsWith("[cached]"));
    std::filesystem::resize_file(path, 10);
    EXPECT_THAT(say(), HasSubstr("cached tokens cannot be used")) << name;
    std::filesystem::remove(path);
    EXPECT_THAT(say(), HasSubstr("cached tokens cannot be used")) << name;
  }
}

TEST_F(CachedDataset, AForeignEntryIsNotTaken) {
  say();
  const auto entry = entries().at(0);
  options_.max_length = 15;
  say();
  for (const auto& other : entries()) {
    if (other == entry) continue;
    std::filesystem::remove_all(other);
    std::filesystem::copy(entry, other);
  }
  EXPECT_THAT(say(), HasSubstr("is of another key"));
}

TEST_F(CachedDataset, ABadRowLeavesNoEntry) {
  write_file_atomic(files_[0].path, "{\"text\":\"fine\"}\n{\"text\":7}\n");
  EXPECT_USER_ERROR(load(silent_reporter()), "row 1 (line 2)");
  EXPECT_TRUE(entries().empty());
}

TEST_F(CachedDataset, OldEntriesMakeRoom) {
  say();
  const auto oldest = entries().at(0);
  std::filesystem::last_write_time(
      oldest / "entry.json", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  storage_.cache_limit_bytes = 1;
  options_.max_length = 15;
  const auto dataset = load(silent_reporter());
  EXPECT_EQ(entries().size(), 1u);  // the new one stays, however large
  EXPECT_FALSE(std::filesystem::exists(oldest));
}

TEST_F(CachedDataset, AFolderThatCannotBeMadeIsNoError) {
  write_file_atomic(folder_ / "file", "");
  storage_.cache = folder_ / "file" / "cache";
  EXPECT_THAT(say(), HasSubstr("cannot be written, so tokenised rows are not kept"));
}

TEST_F(CachedDataset, TheSpillLeavesNoTrace) {
  storage_ = {.spill = folder_.path()};
  const auto dataset = load(silent_reporter());
  expect_same(dataset, load_dataset(tiny(), files_, options_, silent_reporter()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

// 6 million tokens, which would take 48 MB as vectors of ids and labels.  What may grow: the blocks
// under way (some MB), 32 bytes an example and the allocator's slack; the limit is a third.
TEST(LargeDataset, DoesNotLieInMemory) {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "rows.jsonl");
    std::string ids = "1";
    for (int i = 1; i < 3000; ++i) ids += ",1";
    for (int i = 0; i < 2000; ++i) file.write(str("{\"input_ids\":[", ids, "]}\n"));
    file.commit();
  }
  const DataOptions options{.max_length = 4096, .num_workers = 2};
  for (const bool cached : {false, true, true}) {
    const auto before = resident_bytes();
    const auto dataset = load_dataset(
        tiny(), {{.path = (folder / "rows.jsonl").string()}}, options, silent_reporter(),
        {.cache = cached ? std::optional(folder / "cache") : std::nullopt, .spill = folder.path()});
    EXPECT_EQ(dataset.tokens(), 6'000'000);
    int64_t seen = 0;
    EXPECT_TRUE(for_each_batch(dataset, 8192, [&](const Batch& batch, int64_t) {
      seen += batch.tokens();
      return true;
    }));
    EXPECT_EQ(seen, 6'000'000);
    EXPECT_LT(resident_bytes() - before, int64_t{16} << 20);
  }
}

}  // namespace
}  // namespace tunewright::data

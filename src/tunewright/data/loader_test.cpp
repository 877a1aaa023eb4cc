#include <algorithm>
#include <map>
#include <set>

#include "tunewright/base/test.h"
#include "tunewright/data/prefetcher.h"

namespace tunewright::data {
namespace {

Example example_of(int32_t length, int64_t row = 0) {
  Example example{.row = row};
  for (int32_t i = 0; i < length; ++i) example.ids.push_back(100 * static_cast<int32_t>(row) + i);
  example.labels = example.ids;
  return example;
}

// `count` examples of lengths 2 to 40, dealt to `files` files in turn.
Dataset some_data(int64_t count, std::vector<double> weights = {1.0}) {
  Dataset dataset;
  dataset.file_weights = weights;
  Random random(7);
  for (int64_t i = 0; i < count; ++i) {
    auto example = example_of(2 + static_cast<int32_t>(random.below(39)), i);
    example.file = i % static_cast<int64_t>(weights.size());
    dataset.examples.push_back(example);
  }
  return dataset;
}

std::vector<Example> examples_of(const Dataset& dataset) {
  std::vector<Example> examples;
  for (size_t i = 0; i < dataset.examples.size(); ++i) examples.push_back(dataset.examples[i]);
  return examples;
}

using Batches = std::vector<std::vector<int64_t>>;  // rows of each micro-batch

Batches take(Loader& loader, int64_t count) {
  Batches batches;
  for (int64_t i = 0; i < count; ++i) {
    batches.emplace_back();
    for (const auto& example : loader.next()) batches.back().push_back(example.row);
  }
  return batches;
}

std::map<int64_t, int64_t> count_rows(const Batches& batches) {
  std::map<int64_t, int64_t> counts;
  for (const auto& batch : batches) {
    for (const auto row : batch) ++counts[row];
  }
  return counts;
}

void expect_each_once(const Batches& batches, int64_t examples) {
  const auto counts = count_rows(batches);
  EXPECT_EQ(counts.size(), static_cast<size_t>(examples));
  for (const auto& [row, count] : counts) EXPECT_EQ(count, 1) << "row " << row;
}

TEST(Batch, TargetsAreShiftedAndNeverCrossAnExample) {
  Example first{.ids = {1, 2, 3}, .labels = {1, kIgnoreLabel, 3}, .row = 4};
  Example second{.ids = {5, 6}, .labels = {5, 6}, .weights = {1, 0.5}, .row = 9};
  const auto batch = make_batch({&first, &second});
  EXPECT_EQ(batch.ids, (std::vector<int32_t>{1, 2, 3, 5, 6}));
  EXPECT_EQ(batch.positions, (std::vector<int32_t>{0, 1, 2, 0, 1}));
  EXPECT_EQ(batch.offsets, (std::vector<int64_t>{0, 3, 5}));
  EXPECT_EQ(batch.rows, (std::vector<int64_t>{4, 9}));
  ASSERT_EQ(batch.targets.size(), 2u);
  EXPECT_EQ(batch.targets[0].position, 1);
  EXPECT_EQ(batch.targets[0].label, 3);
  EXPECT_EQ(batch.targets[1].position, 3);
  EXPECT_EQ(batch.targets[1].label, 6);
  EXPECT_EQ(batch.weight_sum(), 1.5);
}

TEST(Batch, FirstAndWeightlessTokensAreNotPredicted) {
  const Example example{.ids = {1, 2, 3}, .labels = {1, 2, 3}, .weights = {1, 0, 2}};
  EXPECT_EQ(example.supervised_tokens(), 1);
  EXPECT_EQ(make_batch({&example}).targets.size(), 1u);
}

TEST(SplitBatch, PartsHoldTheSameExamplesAndTargets) {
  const auto dataset = some_data(30);
  const auto all = examples_of(dataset);
  std::vector<const Example*> examples;
  for (const auto& example : all) examples.push_back(&example);
  const auto whole = make_batch(examples);
  for (const int64_t limit : {1, 50, 100, 100000}) {
    Batch joined;
    double weight = 0;
    for (const auto& part : split_batch(examples, limit)) {
      EXPECT_TRUE(part.tokens() <= limit || part.rows.size() == 1);
      for (const auto& target : part.targets) {
        joined.targets.push_back({target.position + joined.tokens(), target.label, target.weight});
      }
      joined.ids.insert(joined.ids.end(), part.ids.begin(), part.ids.end());
      joined.positions.insert(joined.positions.end(), part.positions.begin(), part.positions.end());
      joined.rows.insert(joined.rows.end(), part.rows.begin(), part.rows.end());
      weight += part.weight_sum();
    }
    EXPECT_EQ(joined.ids, whole.ids);
    EXPECT_EQ(joined.positions, whole.positions);
    EXPECT_EQ(joined.rows, whole.rows);
    EXPECT_EQ(weight, whole.weight_sum());
    ASSERT_EQ(joined.targets.size(), whole.targets.size());
    for (size_t i = 0; i < whole.targets.size(); ++i) {
      EXPECT_EQ(joined.targets[i].position, whole.targets[i].position);
      EXPECT_EQ(joined.targets[i].label, whole.targets[i].label);
    }
  }
}

TEST(Loader, UsesEachExampleOnceAnEpoch) {
  const auto dataset = some_data(101);
  for (const bool packing : {false, true}) {
    for (const bool shuffled : {false, true}) {
      Loader loader(dataset,
                    {.batch_size = 4, .max_length = 64, .packing = packing, .shuffle = shuffled});
      expect_each_once(take(loader, loader.batches_per_epoch()), 101);
      EXPECT_EQ(loader.position().epoch, 0);
      expect_each_once(take(loader, loader.batches_per_epoch()), 101);
      EXPECT_EQ(loader.position().epoch, 1);
    }
  }
}

TEST(Loader, WithoutShufflingKeepsTheOrder) {
  const auto dataset = some_data(50);
  for (const bool packing : {false, true}) {
    Loader loader(dataset,
                  {.batch_size = 3, .max_length = 64, .packing = packing, .shuffle = false});
    int64_t expected = 0;
    for (const auto& batch : take(loader, loader.batches_per_epoch())) {
      for (const auto row : batch) EXPECT_EQ(row, expected++);
    }
    EXPECT_EQ(expected, 50);
  }
}

TEST(Loader, PackedSequencesNeverExceedMaxLength) {
  const auto dataset = some_data(500);
  int64_t tokens = 0;
  for (const bool shuffled : {false, true}) {
    Loader loader(dataset,
                  {.batch_size = 1, .max_length = 64, .packing = true, .shuffle = shuffled});
    tokens = 0;
    for (int64_t i = 0; i < loader.batches_per_epoch(); ++i) {
      int64_t sequence = 0;
      for (const auto& example : loader.next())
        sequence += static_cast<int64_t>(example.ids.size());
      EXPECT_LE(sequence, 64);
      tokens += sequence;
    }
    EXPECT_EQ(tokens, dataset.tokens());
    // Best fit of decreasing lengths wastes little where lengths vary; 90 % is far below what it
    // reaches.
    const double filled =
        static_cast<double>(tokens) / (64.0 * static_cast<double>(loader.batches_per_epoch()));
    EXPECT_GT(filled, shuffled ? 0.9 : 0.6);
  }
}

TEST(Loader, ALongExampleStandsAlone) {
  Dataset dataset;
  dataset.file_weights = {1};
  for (const auto& example : {example_of(3, 0), example_of(100, 1), example_of(3, 2)})
    dataset.examples.push_back(example);
  Loader loader(dataset, {.batch_size = 1, .max_length = 10, .packing = true, .shuffle = false});
  EXPECT_EQ(take(loader, 3), (Batches{{0}, {1}, {2}}));
}

TEST(Loader, OrderDependsOnSeedAndEpochOnly) {
  const auto dataset = some_data(200);
  const Loader::Options options{.batch_size = 8, .max_length = 64, .seed = 3};
  Loader one(dataset, options), same(dataset, options);
  auto other_options = options;
  other_options.seed = 4;
  Loader other(dataset, other_options);
  const int64_t count = one.batches_per_epoch();
  const auto first = take(one, count);
  EXPECT_EQ(first, take(same, count));
  EXPECT_NE(first, take(other, count));
  EXPECT_NE(first, take(one, count));
}

TEST(Loader, SeekContinuesExactly) {
  const auto dataset = some_data(120);
  for (const bool packing : {false, true}) {
    const Loader::Options options{.batch_size = 4, .max_length = 64, .packing = packing};
    Loader straight(dataset, options);
    const auto all = take(straight, 40);
    for (const int64_t done : {0, 1, 11, 30, 39}) {
      Loader before(dataset, options);
      take(before, done);
      Loader after(dataset, options);
      after.seek(before.position());
      EXPECT_EQ(take(after, 40 - done), Batches(all.begin() + done, all.end())) << "after " << done;
    }
  }
}

TEST(Loader, RefusesAPositionOfOtherData) {
  const auto dataset = some_data(10);
  Loader loader(dataset, {.batch_size = 2, .packing = false});
  EXPECT_USER_ERROR(loader.seek({.epoch = 0, .next = 6}), "micro-batch 6 of epoch 0, which has 5");
  EXPECT_USER_ERROR(Loader(dataset, {.batch_size = 0}), "at least 1, got 0");
}

TEST(Loader, WeightsAreSharesOfAnEpoch) {
  const auto dataset = some_data(120, {3, 1, 0});  // 40 examples each; an epoch has 80
  Loader loader(dataset, {.batch_size = 8, .packing = false});
  EXPECT_EQ(loader.batches_per_epoch(), 10);
  std::map<int64_t, int64_t> of_file;
  int64_t most = 0, least = 100;
  for (const auto& [row, count] : count_rows(take(loader, 10))) {
    of_file[row % 3] += count;
    if (row % 3 == 0) most = std::max(most, count), least = std::min(least, count);
  }
  EXPECT_EQ(of_file, (std::map<int64_t, int64_t>{{0, 60}, {1, 20}}));
  EXPECT_EQ(least, 1);  // 60 draws of 40 examples: one pass and a half
  EXPECT_EQ(most, 2);
}

TEST(DealBatch, PartsAreEvenAndHoldEveryExampleOnce) {
  const auto all = examples_of(some_data(30));
  std::vector<const Example*> examples;
  for (const auto& example : all) examples.push_back(&example);
  const auto whole = make_batch(examples);
  for (const int64_t count : {1, 2, 3, 7}) {
    const auto parts = deal_batch(whole, count);
    ASSERT_EQ(parts.size(), static_cast<size_t>(count));
    std::vector<int64_t> rows;
    for (const auto& part : parts) {
      std::vector<const Example*> same;  // its examples, batched anew, are the part
      for (const int64_t row : part.rows) {
        same.push_back(*std::ranges::find(examples, row, [](const Example* e) { return e->row; }));
        rows.push_back(row);
      }
      const auto expected = make_batch(same);
      EXPECT_EQ(part.ids, expected.ids);
      EXPECT_EQ(part.positions, expected.positions);
      EXPECT_EQ(part.offsets, expected.offsets);
      EXPECT_EQ(part.weight_sum(), expected.weight_sum());
      ASSERT_EQ(part.targets.size(), expected.targets.size());
      for (size_t i = 0; i < part.targets.size(); ++i) {
        EXPECT_EQ(part.targets[i].position, expected.targets[i].position);
        EXPECT_EQ(part.targets[i].label, expected.targets[i].label);
      }
      const double even = double(whole.tokens()) / double(count);
      EXPECT_NEAR(double(part.tokens()), even, 0.15 * even);
    }
    std::ranges::sort(rows);
    auto expected_rows = whole.rows;
    std::ranges::sort(expected_rows);
    EXPECT_EQ(rows, expected_rows);
  }
}

TEST(DealBatch, FewerExamplesThanPartsStandAlone) {
  const auto all = examples_of(some_data(2));
  const auto parts = deal_batch(make_batch({&all[0], &all[1]}), 4);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].rows.size(), 1U);
}

// ---- ahead on a thread of its own

std::vector<int64_t> rows_of(const std::vector<Batch>& parts) {
  std::vector<int64_t> rows;
  for (const auto& part : parts) rows.insert(rows.end(), part.rows.begin(), part.rows.end());
  return rows;
}

TEST(Prefetcher, GivesWhatTheLoaderGives) {
  const auto dataset = some_data(90, {2, 1});
  const Loader::Options options{.batch_size = 2, .max_length = 64};
  for (const int64_t ahead : {1, 2, 7}) {
    for (const int64_t tokens_per_pass : {0, 50}) {
      Loader loader(dataset, options);
      Prefetcher prefetcher(dataset, options, {.tokens_per_pass = tokens_per_pass, .ahead = ahead});
      for (int i = 0; i < 60; ++i) {  // over the end of an epoch or two
        const auto examples = loader.next();
        std::vector<int64_t> rows;
        for (const auto& example : examples) rows.push_back(example.row);
        const auto parts = prefetcher.next();
        EXPECT_EQ(rows_of(parts), rows);
        for (const auto& part : parts)
          EXPECT_TRUE(tokens_per_pass == 0 || part.tokens() <= 50 || part.rows.size() == 1);
        EXPECT_EQ(prefetcher.position().epoch, loader.position().epoch);
        EXPECT_EQ(prefetcher.position().next, loader.position().next);
        EXPECT_EQ(prefetcher.batches_per_epoch(), loader.batches_per_epoch());
      }
    }
  }
}

TEST(Prefetcher, SeeksToAndFromAnyPlace) {
  const auto dataset = some_data(120);
  const Loader::Options options{.batch_size = 4, .max_length = 64};
  std::vector<std::vector<int64_t>> all;
  std::vector<LoaderPosition> before;
  Prefetcher straight(dataset, options, {});
  for (int i = 0; i < 40; ++i) {
    before.push_back(straight.position());
    all.push_back(rows_of(straight.next()));
  }
  Prefetcher jumping(dataset, options, {.ahead = 3});
  for (const size_t to : {0, 30, 7, 39, 39, 1}) {
    jumping.seek(before[to]);
    EXPECT_EQ(rows_of(jumping.next()), all[to]) << to;
  }
  EXPECT_USER_ERROR(jumping.seek({.epoch = 0, .next = 999}), "micro-batch 999 of epoch 0");
}

TEST(Prefetcher, HandsOnWhatWentWrong) {
  const testing::TemporaryFolder folder;
  Dataset dataset;
  dataset.file_weights = {1};
  auto index = Spool::in_memory();
  {
    ExampleStore store(Spool::create(folder / "tokens"));
    for (int i = 0; i < 10; ++i) store.push_back(example_of(5, i));
    store.save_index(index);
  }
  dataset.examples = ExampleStore::open(Spool::open(folder / "tokens"), index);
  std::filesystem::resize_file(folder / "tokens", 8);
  Prefetcher prefetcher(dataset, {.batch_size = 1, .packing = false}, {});
  EXPECT_USER_ERROR(for (int i = 0; i < 10; ++i) prefetcher.next(), "tokens: ends before byte");
  EXPECT_USER_ERROR(prefetcher.next(), "tokens: ends before byte");
}

}  // namespace
}  // namespace tunewright::data

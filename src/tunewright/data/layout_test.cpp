#include "tunewright/data/layout.h"

#include "tunewright/base/test.h"
#include "tunewright/data/prefetcher.h"

namespace tunewright::data {
namespace {

// Rows of 2 to 12 tokens, the first third not supervised.
Dataset some_rows(int64_t rows) {
  Dataset dataset;
  dataset.file_weights = {1.0};
  for (int64_t row = 0; row < rows; ++row) {
    Example example{.row = row};
    const int64_t length = 2 + (row * 7) % 11;
    for (int64_t i = 0; i < length; ++i) {
      example.ids.push_back(static_cast<int32_t>(i));
      example.labels.push_back(3 * i < length ? kIgnoreLabel : static_cast<int32_t>(i));
    }
    dataset.examples.push_back(example);
    dataset.ledger.push_back({.source = "rows", .row = row, .decision = "kept"});
  }
  return dataset;
}

void expect_same(const PassLayout& layout, const Batch& batch) {
  EXPECT_EQ(layout.tokens, batch.tokens());
  EXPECT_EQ(layout.targets, static_cast<int64_t>(batch.targets.size()));
  ASSERT_EQ(layout.examples.size(), batch.rows.size());
  double squares = 0;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto length = double(batch.offsets[i + 1] - batch.offsets[i]);
    squares += length * length;
    EXPECT_EQ(layout.examples[i], batch.rows[i]);  // here the row is the index
  }
  EXPECT_EQ(layout.squares, squares);
}

class Layout : public ::testing::TestWithParam<int64_t> {};

TEST_P(Layout, IsThatOfTheBatchesThatTrainingGets) {
  const auto dataset = some_rows(37);
  const int64_t tokens_per_pass = GetParam();
  const Loader::Options options{.batch_size = 3, .max_length = 16};
  Loader loader(dataset, options);
  Prefetcher prefetcher(dataset, options, {.tokens_per_pass = tokens_per_pass});
  for (int i = 0; i < 20; ++i) {  // some epochs
    const auto layouts = lay_out(dataset.examples, loader.next_indices(), tokens_per_pass);
    const auto batches = prefetcher.next();
    ASSERT_EQ(layouts.size(), batches.size());
    for (size_t j = 0; j < batches.size(); ++j) expect_same(layouts[j], batches[j]);
  }
}

INSTANTIATE_TEST_SUITE_P(TokensPerPass, Layout, ::testing::Values(0, 1, 16, 40));

TEST(Layout, IsThatOfEvaluation) {
  const auto dataset = some_rows(30);
  const auto layouts = lay_out_all(dataset.examples, 25);
  size_t next = 0;
  for_each_batch(dataset, 25, [&](const Batch& batch, int64_t) {
    expect_same(layouts.at(next++), batch);
    return true;
  });
  EXPECT_EQ(next, layouts.size());
}

TEST(Layout, BatchOfReadsTheExamplesNamed) {
  const auto dataset = some_rows(8);
  const auto batch = batch_of(dataset.examples, std::vector<int64_t>{5, 2});
  EXPECT_EQ(batch.rows, (std::vector<int64_t>{5, 2}));
  EXPECT_EQ(batch.tokens(), dataset.examples.length(5) + dataset.examples.length(2));
}

}  // namespace
}  // namespace tunewright::data

#include "tunewright/data/layout.h"

#include <numeric>

namespace tunewright::data {
namespace {

PassLayout pass_of(const ExampleStore& examples, std::span<const int64_t> indices) {
  PassLayout pass{.examples = {indices.begin(), indices.end()}};
  for (const auto index : indices) {
    const auto i = static_cast<size_t>(index);
    const int64_t length = examples.length(i);
    pass.tokens += length;
    pass.targets += examples.supervised(i);
    pass.squares += static_cast<double>(length) * static_cast<double>(length);
  }
  return pass;
}

}  // namespace

std::vector<PassLayout> lay_out(const ExampleStore& examples, std::span<const int64_t> batch,
                                int64_t tokens_per_pass) {
  if (batch.empty()) return {};
  if (tokens_per_pass == 0) return {pass_of(examples, batch)};
  std::vector<int64_t> lengths;
  for (const auto index : batch) lengths.push_back(examples.length(static_cast<size_t>(index)));
  std::vector<PassLayout> passes;
  size_t begin = 0;
  for (const auto end : part_ends(lengths, tokens_per_pass)) {
    passes.push_back(pass_of(examples, batch.subspan(begin, end - begin)));
    begin = end;
  }
  return passes;
}

std::vector<PassLayout> lay_out_all(const ExampleStore& examples, int64_t max_tokens) {
  std::vector<int64_t> all(examples.size());
  std::iota(all.begin(), all.end(), 0);
  return lay_out(examples, all, max_tokens);
}

Batch batch_of(const ExampleStore& examples, std::span<const int64_t> indices) {
  std::vector<Example> read;
  for (const auto index : indices) read.push_back(examples[static_cast<size_t>(index)]);
  std::vector<const Example*> views;
  for (const auto& example : read) views.push_back(&example);
  return make_batch(views);
}

}  // namespace tunewright::data

#include "tunewright/data/batch.h"

#include <cstddef>
#include <iterator>

#include "tunewright/base/error.h"

namespace tunewright::data {
namespace {

float weight_of(const Example& example, size_t i) {
  return example.weights.empty() ? 1.0F : example.weights[i];
}

bool is_target(const Example& example, size_t i) {
  return i > 0 && example.labels[i] != kIgnoreLabel && weight_of(example, i) > 0;
}

void append(Batch& batch, const Example& example) {
  TUNEWRIGHT_ASSERT(example.labels.size() == example.ids.size());
  TUNEWRIGHT_ASSERT(example.weights.empty() || example.weights.size() == example.ids.size());
  const int64_t begin = batch.tokens();
  batch.ids.insert(batch.ids.end(), example.ids.begin(), example.ids.end());
  for (size_t i = 0; i < example.ids.size(); ++i) {
    batch.positions.push_back(static_cast<int32_t>(i));
    if (!is_target(example, i)) continue;
    batch.targets.push_back({.position = begin + static_cast<int64_t>(i) - 1,
                             .label = example.labels[i],
                             .weight = weight_of(example, i)});
  }
  batch.offsets.push_back(batch.tokens());
  batch.rows.push_back(example.row);
}

}  // namespace

int64_t Example::supervised_tokens() const {
  int64_t count = 0;
  for (size_t i = 0; i < ids.size(); ++i) count += is_target(*this, i);
  return count;
}

double Batch::weight_sum() const {
  double sum = 0;
  for (const auto& target : targets) sum += target.weight;
  return sum;
}

Batch make_batch(const std::vector<const Example*>& examples) {
  Batch batch;
  batch.offsets.push_back(0);
  for (const auto* example : examples) append(batch, *example);
  return batch;
}

std::vector<size_t> part_ends(std::span<const int64_t> lengths, int64_t max_tokens) {
  std::vector<size_t> ends;
  int64_t tokens = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (tokens > 0 && tokens + lengths[i] > max_tokens) {
      ends.push_back(i);
      tokens = 0;
    }
    tokens += lengths[i];
  }
  if (!lengths.empty()) ends.push_back(lengths.size());
  return ends;
}

std::vector<Batch> split_batch(const std::vector<const Example*>& examples, int64_t max_tokens) {
  std::vector<int64_t> lengths;
  for (const auto* example : examples) lengths.push_back(std::ssize(example->ids));
  std::vector<Batch> parts;
  size_t begin = 0;
  for (const auto end : part_ends(lengths, max_tokens)) {
    using Offset = std::ptrdiff_t;
    parts.push_back(make_batch({examples.begin() + Offset(begin), examples.begin() + Offset(end)}));
    begin = end;
  }
  return parts;
}

}  // namespace tunewright::data

#include "tunewright/data/batch.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <numeric>

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

// Example i of a batch, behind what `part` has.
void append(Batch& part, const Batch& batch, size_t i) {
  const int64_t begin = batch.offsets[i], end = batch.offsets[i + 1], moved = part.tokens() - begin;
  part.ids.insert(part.ids.end(), batch.ids.begin() + begin, batch.ids.begin() + end);
  part.positions.insert(part.positions.end(), batch.positions.begin() + begin,
                        batch.positions.begin() + end);
  const auto first = std::ranges::lower_bound(batch.targets, begin, {}, &Batch::Target::position);
  const auto last = std::ranges::lower_bound(batch.targets, end, {}, &Batch::Target::position);
  for (auto target = first; target != last; ++target)
    part.targets.push_back({target->position + moved, target->label, target->weight});
  part.offsets.push_back(part.tokens());
  part.rows.push_back(batch.rows[i]);
}

// Indices of a batch's examples for each of some parts: the longest first, each to the part that
// has least.
std::vector<std::vector<size_t>> deal(const Batch& batch, size_t parts) {
  const auto length = [&](size_t i) { return batch.offsets[i + 1] - batch.offsets[i]; };
  std::vector<size_t> order(batch.rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, length);
  std::vector<std::vector<size_t>> dealt(parts);
  std::vector<int64_t> tokens(parts);
  for (const size_t i : order) {
    const auto least = static_cast<size_t>(std::ranges::min_element(tokens) - tokens.begin());
    dealt[least].push_back(i);
    tokens[least] += length(i);
  }
  return dealt;
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

std::vector<Batch> deal_batch(const Batch& batch, int64_t count) {
  std::vector<Batch> parts;
  for (auto& examples : deal(batch, std::min(static_cast<size_t>(count), batch.rows.size()))) {
    std::ranges::sort(examples);
    auto& part = parts.emplace_back();
    part.offsets.push_back(0);
    for (const size_t i : examples) append(part, batch, i);
  }
  return parts;
}

}  // namespace tunewright::data

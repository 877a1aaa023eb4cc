#include "tunewright/data/batch.h"

#include <algorithm>
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

int64_t length(const Example& example) { return static_cast<int64_t>(example.ids.size()); }

struct Hand {
  std::vector<size_t> examples;  // indexes
  int64_t tokens = 0;
};

// The longest first, each to the hand that has least.
std::vector<Hand> deal(const std::vector<const Example*>& examples, size_t hands) {
  std::vector<size_t> order(examples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return length(*examples[i]); });
  std::vector<Hand> dealt(hands);
  for (const size_t i : order) {
    auto& hand = *std::ranges::min_element(dealt, {}, &Hand::tokens);
    hand.examples.push_back(i);
    hand.tokens += length(*examples[i]);
  }
  return dealt;
}

bool fits(const Hand& hand, int64_t max_tokens) {
  return hand.tokens <= max_tokens || hand.examples.size() == 1;
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

std::vector<Batch> split_batch(const std::vector<const Example*>& examples, int64_t max_tokens) {
  std::vector<Batch> parts;
  std::vector<const Example*> part;
  int64_t tokens = 0;
  const auto close = [&] {
    if (!part.empty()) parts.push_back(make_batch(part));
    part.clear();
    tokens = 0;
  };
  for (const auto* example : examples) {
    const auto size = static_cast<int64_t>(example->ids.size());
    if (tokens + size > max_tokens) close();
    part.push_back(example);
    tokens += size;
  }
  close();
  return parts;
}

std::vector<Batch> deal_batch(const std::vector<const Example*>& examples, int64_t max_tokens,
                              int64_t ways) {
  const int64_t share = std::max<int64_t>(max_tokens / ways, 1);
  std::vector<Hand> hands;
  for (auto count = static_cast<size_t>(ways);; count += static_cast<size_t>(ways)) {
    hands = deal(examples, std::min(count, examples.size()));
    if (std::ranges::all_of(hands, [&](const Hand& hand) { return fits(hand, share); })) break;
  }
  std::vector<Batch> parts;
  for (auto& hand : hands) {
    std::ranges::sort(hand.examples);
    std::vector<const Example*> part;
    for (const size_t i : hand.examples) part.push_back(examples[i]);
    parts.push_back(make_batch(part));
  }
  return parts;
}

}  // namespace tunewright::data

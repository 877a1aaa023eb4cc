#include "tunewright/metrics/ngrams.h"

#include <algorithm>

namespace tunewright::metrics {
namespace {

constexpr size_t kFirstSlots = 256;

size_t slot_of(uint64_t pair, size_t slots) {
  pair *= 0x9e3779b97f4a7c15ULL;  // Fibonacci hashing: the high bits depend on all of the pair
  return static_cast<size_t>((pair ^ (pair >> 32)) & (slots - 1));
}

// Counts `ngram` up in `counts`, which grows as needed, and says how often it is there now.
uint32_t count_up(std::vector<uint32_t>& counts, uint32_t ngram) {
  if (ngram >= counts.size()) counts.resize(ngram + 1);
  return ++counts[ngram];
}

void forget(std::vector<uint32_t>& counts, std::span<const uint32_t> ngrams) {
  for (const auto ngram : ngrams) counts[ngram] = 0;
}

}  // namespace

PairNumbers::PairNumbers() : slots_(kFirstSlots) {}

uint32_t PairNumbers::number(uint32_t first, uint32_t second) {
  if (2 * (size_ + size_t{1}) > slots_.size()) grow();
  const auto pair = uint64_t{first} << 32 | second;
  for (auto i = slot_of(pair, slots_.size());; i = (i + 1) & (slots_.size() - 1)) {
    auto& slot = slots_[i];
    if (slot.round != round_) {
      slot = {.pair = pair, .number = size_, .round = round_};
      return size_++;
    }
    if (slot.pair == pair) return slot.number;
  }
}

void PairNumbers::grow() {
  auto old = std::move(slots_);
  slots_.assign(old.size() * 2, {});
  for (const auto& slot : old) {
    if (slot.round != round_) continue;
    auto i = slot_of(slot.pair, slots_.size());
    while (slots_[i].round == round_) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = slot;
  }
}

void PairNumbers::clear() {
  size_ = 0;
  if (++round_ != 0) return;
  slots_.assign(slots_.size(), {});  // after 2^32 rounds old slots would count as new
  round_ = 1;
}

std::vector<uint32_t> WordNumbers::numbers(std::span<const std::string_view> words) {
  std::vector<uint32_t> out;
  out.reserve(words.size());
  for (const auto word : words)
    out.push_back(numbers_.try_emplace(word, static_cast<uint32_t>(numbers_.size())).first->second);
  return out;
}

Ngrams NgramNumbers::of(std::span<const uint32_t> items) {
  Ngrams ngrams{.orders = std::vector<std::vector<uint32_t>>(tables_.size())};
  for (size_t n = 1; n <= tables_.size() && n <= items.size(); ++n) {
    auto& order = ngrams.orders[n - 1];
    order.reserve(items.size() - n + 1);
    for (size_t i = 0; i + n <= items.size(); ++i) {
      const auto before = n == 1 ? 0 : ngrams.orders[n - 2][i];
      order.push_back(tables_[n - 1].number(before, items[i + n - 1]));
    }
  }
  return ngrams;
}

void NgramNumbers::clear() {
  for (auto& table : tables_) table.clear();
}

void NgramBag::raise_to(std::span<const uint32_t> ngrams) {
  for (const auto ngram : ngrams) {
    const auto count = count_up(used_, ngram);
    if (ngram >= counts_.size()) counts_.resize(ngram + 1);
    counts_[ngram] = std::max(counts_[ngram], count);
  }
  forget(used_, ngrams);
}

int64_t NgramBag::matches(std::span<const uint32_t> ngrams) {
  int64_t found = 0;
  for (const auto ngram : ngrams)
    found += ngram < counts_.size() && count_up(used_, ngram) <= counts_[ngram];
  for (const auto ngram : ngrams) {
    if (ngram < used_.size()) used_[ngram] = 0;
  }
  return found;
}

void NgramBag::clear() { std::fill(counts_.begin(), counts_.end(), 0); }

}  // namespace tunewright::metrics

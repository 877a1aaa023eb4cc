#include "tunewright/text/merges.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <queue>

namespace tunewright::text {
namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};  // no pair: ids are not negative
constexpr uint32_t kNoRank = ~uint32_t{0};
constexpr size_t kShort = 48;  // tokens up to which a plain scan beats the heap

struct Candidate {
  uint32_t rank;
  uint32_t at;
  int32_t id;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : at > other.at;
  }
};

struct Link {
  int32_t previous;
  int32_t next;
};

}  // namespace

Merges::Merges(size_t count) {
  const auto size = std::bit_ceil(std::max<size_t>(2 * count, 16));
  slots_.assign(size, {kEmpty, 0, 0});
  shift_ = 64 - std::countr_zero(size);
}

void Merges::add(int32_t left, int32_t right, uint32_t rank, int32_t id) {
  const auto pair = key(left, right);
  auto at = start(pair);
  while (slots_[at].pair != kEmpty && slots_[at].pair != pair) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {pair, rank, id};
}

const Merges::Slot* Merges::find(int32_t left, int32_t right) const {
  const auto pair = key(left, right);
  for (auto at = start(pair);; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == pair) return &slots_[at];
    if (slots_[at].pair == kEmpty) return nullptr;
  }
}

void Merges::apply(std::vector<Token>& tokens, size_t first) const {
  const auto count = tokens.size() - first;
  if (count < 2) return;
  const auto left = count <= kShort ? apply_short(tokens.data() + first, count)
                                    : apply_long(tokens.data() + first, count);
  tokens.resize(first + left);
}

size_t Merges::apply_short(Token* tokens, size_t count) const {
  std::array<uint32_t, kShort> ranks;  // of the pair that begins at each token
  std::array<int32_t, kShort> ids;
  const auto rate = [&](size_t i) {
    const auto* merge = find(tokens[i].id, tokens[i + 1].id);
    ranks[i] = merge != nullptr ? merge->rank : kNoRank;
    ids[i] = merge != nullptr ? merge->id : 0;
  };
  for (size_t i = 0; i + 1 < count; ++i) rate(i);
  while (count > 1) {
    const auto best = static_cast<size_t>(
        std::min_element(ranks.begin(), ranks.begin() + static_cast<ptrdiff_t>(count) - 1) -
        ranks.begin());
    if (ranks[best] == kNoRank) break;
    tokens[best] = {ids[best], tokens[best].begin, tokens[best + 1].end};
    for (size_t i = best + 1; i + 1 < count; ++i) {
      tokens[i] = tokens[i + 1];
      ranks[i] = ranks[i + 1];
      ids[i] = ids[i + 1];
    }
    --count;
    if (best + 1 < count) rate(best);
    if (best > 0) rate(best - 1);
  }
  return count;
}

size_t Merges::apply_long(Token* tokens, size_t count) const {
  std::vector<Link> links(count);
  std::vector<Candidate> heap_storage;
  heap_storage.reserve(2 * count);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap(
      {}, std::move(heap_storage));
  const auto propose = [&](int32_t at) {
    const auto next = links[static_cast<size_t>(at)].next;
    if (next < 0) return;
    const auto* merge = find(tokens[at].id, tokens[next].id);
    if (merge != nullptr) heap.push({merge->rank, static_cast<uint32_t>(at), merge->id});
  };
  for (size_t i = 0; i < count; ++i) {
    links[i] = {static_cast<int32_t>(i) - 1, i + 1 < count ? static_cast<int32_t>(i) + 1 : -1};
  }
  for (size_t i = 0; i + 1 < count; ++i) propose(static_cast<int32_t>(i));

  constexpr int32_t kGone = -1;  // id of a token that was merged into the one before it
  while (!heap.empty()) {
    const auto [rank, at, id] = heap.top();
    heap.pop();
    auto& token = tokens[at];
    auto& link = links[at];
    if (token.id == kGone || link.next < 0) continue;
    auto& right = tokens[link.next];
    const auto* current = find(token.id, right.id);
    if (current == nullptr || current->rank != rank) continue;  // the pair has changed since
    token = {id, token.begin, right.end};
    right.id = kGone;
    link.next = links[static_cast<size_t>(link.next)].next;
    if (link.next >= 0) links[static_cast<size_t>(link.next)].previous = static_cast<int32_t>(at);
    if (link.previous >= 0) propose(link.previous);
    propose(static_cast<int32_t>(at));
  }
  return static_cast<size_t>(
      std::remove_if(tokens, tokens + count, [](const Token& token) { return token.id == kGone; }) -
      tokens);
}

}  // namespace tunewright::text

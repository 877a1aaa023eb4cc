#include "tunewright/text/word_cache.h"

#include <cstring>
#include <memory>

namespace tunewright::text {
namespace {

// A thread works with few tokenizers at a time; those used last are kept.
struct ThreadCaches {
  static constexpr size_t kCount = 4;
  struct Slot {
    uint64_t owner = 0;
    uint64_t last_use = 0;
    std::unique_ptr<WordCache> cache;
  };
  std::array<Slot, kCount> slots;
  uint64_t clock = 0;
};

}  // namespace

WordCache& WordCache::of_thread(uint64_t owner) {
  thread_local ThreadCaches caches;
  auto* oldest = caches.slots.data();
  for (auto& slot : caches.slots) {
    if (slot.cache && slot.owner == owner) {
      slot.last_use = ++caches.clock;
      return *slot.cache;
    }
    if (slot.last_use < oldest->last_use) oldest = &slot;
  }
  *oldest = {owner, ++caches.clock, std::make_unique<WordCache>()};
  return *oldest->cache;
}

bool WordCache::append(std::string_view word, uint64_t hash, uint32_t offset,
                       std::vector<Token>& tokens) const {
  const auto& entry = entries_[hash % kEntries];
  if (entry.hash != hash || entry.size != word.size() ||
      std::memcmp(entry.word.data(), word.data(), word.size()) != 0) {
    return false;
  }
  for (size_t i = 0; i < entry.count; ++i) {
    tokens.push_back({entry.ids[i], offset + entry.begins[i], offset + entry.ends[i]});
  }
  return true;
}

void WordCache::store(std::string_view word, uint64_t hash, std::span<const Token> tokens,
                      uint32_t offset) {
  if (tokens.size() > kMaxTokens) return;
  auto& entry = entries_[hash % kEntries];
  entry.hash = hash;
  entry.size = static_cast<uint8_t>(word.size());
  entry.count = static_cast<uint8_t>(tokens.size());
  std::memcpy(entry.word.data(), word.data(), word.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    entry.ids[i] = tokens[i].id;
    entry.begins[i] = static_cast<uint8_t>(tokens[i].begin - offset);
    entry.ends[i] = static_cast<uint8_t>(tokens[i].end - offset);
  }
}

}  // namespace tunewright::text

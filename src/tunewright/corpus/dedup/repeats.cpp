#include "tunewright/corpus/dedup/repeats.h"

#include <algorithm>
#include <bit>

#include "tunewright/base/ordered_workers.h"

namespace tunewright::corpus {

Repeats::Repeats(std::filesystem::path scratch, int64_t memory_bytes)
    : scratch_(std::move(scratch)),
      blocks_left_(memory_bytes / static_cast<int64_t>(sizeof(Block))) {}

void Repeats::add(const Hash128& key, uint64_t position) {
  auto& part = parts_[key.high >> 56];
  if (!part.filling) part.filling = std::make_unique_for_overwrite<Block>();
  (*part.filling)[part.filled++] = {.key = key, .position = position};
  ++size_;
  if (part.filled == kBlockEntries) put_away(part);
}

void Repeats::put_away(Part& part) {
  part.filled = 0;
  if (blocks_left_ > 0) {
    --blocks_left_;
    part.in_memory.push_back(std::move(part.filling));
    return;
  }
  if (!spool_) spool_ = Spool::unnamed_in(scratch_);
  part.on_disk.push_back(spool_->size());
  spool_->append({reinterpret_cast<const char*>(part.filling.get()), sizeof(Block)});
}

std::vector<Repeats::Entry> Repeats::load(Part& part) const {
  std::vector<Entry> entries;
  entries.reserve((part.in_memory.size() + part.on_disk.size()) * kBlockEntries + part.filled);
  for (auto& block : part.in_memory) {
    entries.insert(entries.end(), block->begin(), block->end());
    block.reset();
  }
  for (const auto offset : part.on_disk) {
    const auto at = entries.size();
    entries.resize(at + kBlockEntries);
    spool_->read(offset, {reinterpret_cast<char*>(entries.data() + at), sizeof(Block)});
  }
  if (part.filled > 0) {
    const auto begin = part.filling->begin();
    entries.insert(entries.end(), begin, begin + static_cast<ptrdiff_t>(part.filled));
  }
  part = {};
  return entries;
}

std::vector<Repeat> Repeats::repeats_of(Part& part, int64_t keep) const {
  struct Slot {
    uint32_t entry = 0;  // the last kept one
    uint32_t seen = 0;   // of this key; 0: free
  };
  const auto entries = load(part);
  const auto slots = std::bit_ceil(2 * entries.size() + 1);
  std::vector<Slot> table(slots);
  std::vector<Repeat> repeats;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const auto& [key, position] = entries[i];
    auto at = static_cast<size_t>(key.low) & (slots - 1);
    while (table[at].seen > 0 && entries[table[at].entry].key != key) at = (at + 1) & (slots - 1);
    auto& slot = table[at];
    if (slot.seen < keep) {
      slot = {.entry = i, .seen = slot.seen + 1};
    } else {
      repeats.push_back(
          {.key = key, .position = position, .last_kept = entries[slot.entry].position});
    }
  }
  return repeats;
}

void Repeats::finish(int64_t keep, int64_t workers,
                     const std::function<void(const std::vector<Repeat>&)>& use) {
  if (spool_) spool_->flush();
  OrderedWorkers<Part*, std::vector<Repeat>> parts(
      workers, [&](Part*& part) { return repeats_of(*part, keep); });
  for (auto& part : parts_) {
    if (parts.is_full()) use(parts.take());
    parts.put(&part);
  }
  while (!parts.is_empty()) use(parts.take());
  spool_.reset();
}

}  // namespace tunewright::corpus

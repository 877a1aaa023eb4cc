#include "tunewright/corpus/filters/repetition.h"

#include <bit>
#include <unordered_set>

#include "tunewright/base/hash.h"
#include "tunewright/corpus/text/characters.h"

namespace tunewright::corpus {

Duplicates count_duplicates(std::span<const std::string_view> pieces) {
  thread_local std::unordered_set<std::string_view> seen;
  seen.clear();
  Duplicates found{.pieces = std::ssize(pieces)};
  for (const auto piece : pieces) {
    if (seen.insert(piece).second) continue;
    ++found.duplicates;
    found.duplicate_characters += character_count(piece);
  }
  seen.clear();  // it views the caller's text
  return found;
}

void split_at_newlines(std::string_view text, size_t least, std::vector<std::string_view>& pieces) {
  pieces.clear();
  size_t start = 0;
  for (size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at)) {
    const auto end = std::min(text.find_first_not_of('\n', at), text.size());
    if (end - at >= least) {
      pieces.push_back(text.substr(start, at - start));
      start = end;
    }
    at = end;
  }
  pieces.push_back(text.substr(start));
}

void NgramShares::read(std::span<const std::string_view> words) {
  joined_.clear();
  spaced_.clear();
  joined_at_.assign(1, 0);
  spaced_at_.assign(1, 0);
  characters_at_.assign(1, 0);
  for (const auto word : words) {
    joined_ += word;
    (spaced_ += word) += ' ';
    joined_at_.push_back(joined_.size());
    spaced_at_.push_back(spaced_.size());
    characters_at_.push_back(characters_at_.back() + static_cast<size_t>(character_count(word)));
  }
  // At most half full, so that probing stays short.
  const auto wanted = std::bit_ceil(2 * words.size() + 16);
  if (slots_.size() < wanted) {
    slots_.assign(wanted, {});
    epoch_ = 0;
  }
}

void NgramShares::forget() {
  if (++epoch_ != 0) return;
  slots_.assign(slots_.size(), {});
  epoch_ = 1;
}

NgramShares::Slot& NgramShares::slot_of(uint64_t hash) {
  const auto mask = slots_.size() - 1;
  for (auto at = hash & mask;; at = (at + 1) & mask) {
    auto& slot = slots_[at];
    if (slot.epoch != epoch_) {
      slot = {.hash = hash, .epoch = epoch_, .count = 0};
      return slot;
    }
    if (slot.hash == hash) return slot;
  }
}

int64_t NgramShares::top(size_t n) {
  const auto words = joined_at_.size() - 1;
  if (words < n) return 0;
  forget();
  hashes_.clear();
  uint32_t most = 0;
  for (size_t i = 0; i + n <= words; ++i) {
    const auto begin = spaced_at_[i];
    hashes_.push_back(
        fast_hash(std::string_view(spaced_).substr(begin, spaced_at_[i + n] - 1 - begin)));
    most = std::max(most, ++slot_of(hashes_.back()).count);
  }
  for (size_t i = 0;; ++i) {
    if (slot_of(hashes_[i]).count != most) continue;
    return static_cast<int64_t>(most * (characters_at_[i + n] - characters_at_[i] + n - 1));
  }
}

int64_t NgramShares::duplicates(size_t n) {
  const auto words = joined_at_.size() - 1;
  forget();
  int64_t characters = 0;
  for (size_t i = 0; i + n <= words;) {
    const auto begin = joined_at_[i];
    auto& slot =
        slot_of(fast_hash(std::string_view(joined_).substr(begin, joined_at_[i + n] - begin)));
    if (slot.count++ == 0) {
      ++i;
      continue;
    }
    characters += static_cast<int64_t>(characters_at_[i + n] - characters_at_[i]);
    i += n;
  }
  return characters;
}

}  // namespace tunewright::corpus

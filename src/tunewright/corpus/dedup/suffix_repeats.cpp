#include "tunewright/corpus/dedup/suffix_repeats.h"

#include <divsufsort.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

constexpr char kSeparator = '\xFF';

bool is_inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// A bit a byte of the shard.
class Marks {
 public:
  explicit Marks(size_t size) : bits_(size / 64 + 1) {}

  bool operator[](size_t i) const { return (bits_[i / 64] >> i % 64 & 1) != 0; }
  void set(size_t begin, size_t end) {
    while (begin < end) {
      const auto last = std::min(end, (begin / 64 + 1) * 64);
      const auto count = last - begin;
      const auto ones = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
      bits_[begin / 64] |= ones << begin % 64;
      begin = last;
    }
  }

 private:
  std::vector<uint64_t> bits_;
};

std::vector<saidx_t> suffix_array(const std::string& bytes) {
  std::vector<saidx_t> suffixes(bytes.size());
  const auto* text = reinterpret_cast<const sauchar_t*>(bytes.data());
  const int error = divsufsort(text, suffixes.data(), static_cast<saidx_t>(bytes.size()));
  if (error != 0) throw UserError(str("no memory for a suffix array of ", bytes.size(), " bytes"));
  return suffixes;
}

ByteRange narrowed_to_characters(std::string_view text, ByteRange range) {
  while (range.begin < range.end && is_inside_character(text[range.begin])) ++range.begin;
  while (range.begin < range.end && range.end < text.size() && is_inside_character(text[range.end]))
    --range.end;
  return range;
}

}  // namespace

void RepeatShard::add(std::string_view text) {
  if (bytes() + std::ssize(text) >= kMostBytes) {
    throw UserError(
        str("a text of ", text.size(), " bytes: substrings are found in at most ", kMostBytes));
  }
  bytes_ += text;
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  bytes_ += kSeparator;
}

void RepeatShard::clear() {
  bytes_.clear();
  ends_.clear();
}

std::vector<std::vector<ByteRange>> RepeatShard::ranges(int64_t least, Keep keep) const {
  const auto size = static_cast<size_t>(least);
  Marks has_window(bytes_.size()), removed(bytes_.size());
  size_t begin = 0;
  for (const size_t end : ends_) {
    if (end - begin >= size) has_window.set(begin, end - size + 1);
    begin = end + 1;
  }

  // Suffixes that begin with the same `least` bytes stand together.
  const auto suffixes = suffix_array(bytes_);
  const auto position = [&](size_t i) { return static_cast<size_t>(suffixes[i]); };
  const auto same = [&](size_t a, size_t b) {
    return has_window[a] && has_window[b] &&
           std::memcmp(bytes_.data() + a, bytes_.data() + b, size) == 0;
  };
  for (size_t i = 0, next = 0; i < suffixes.size(); i = next) {
    next = i + 1;
    while (next < suffixes.size() && same(position(next - 1), position(next))) ++next;
    if (next == i + 1) continue;
    const auto group = std::span(suffixes).subspan(i, next - i);
    const auto first = static_cast<size_t>(std::ranges::min(group));
    const auto first_end = first + size;
    for (const auto suffix : group) {
      const auto at = static_cast<size_t>(suffix);
      if (keep == Keep::kNone) {
        removed.set(at, at + size);
      } else if (at != first) {  // where they overlap, the bytes of the first one stay
        removed.set(std::max(at, first_end), at + size);
      }
    }
  }

  std::vector<std::vector<ByteRange>> ranges(ends_.size());
  begin = 0;
  for (size_t text = 0; text < ends_.size(); ++text) {
    const auto bytes = std::string_view(bytes_).substr(begin, ends_[text] - begin);
    for (size_t at = 0; at < bytes.size(); ++at) {
      if (!removed[begin + at]) continue;
      ByteRange range{.begin = static_cast<uint32_t>(at), .end = 0};
      while (at < bytes.size() && removed[begin + at]) ++at;
      range.end = static_cast<uint32_t>(at);
      range = narrowed_to_characters(bytes, range);
      if (range.begin < range.end) ranges[text].push_back(range);
    }
    begin = ends_[text] + 1;
  }
  return ranges;
}

}  // namespace tunewright::corpus

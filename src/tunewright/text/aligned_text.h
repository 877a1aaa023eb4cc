#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::text {

// Half-open range of bytes, in the compact form used inside.
struct Range {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const Range&) const = default;
};

// Valid UTF-8 that remembers, where asked to, which bytes of the original text each byte came from.
class AlignedText {
 public:
  // `text` (borrowed) stands at byte `base` of the original.
  AlignedText(std::string_view text, size_t base, bool tracked)
      : borrowed_(text), base_(base), tracked_(tracked) {}

  std::string_view view() const { return owns_ ? std::string_view(owned_) : borrowed_; }
  bool tracked() const { return tracked_; }
  // Where the bytes [begin, end) came from; an empty range gives the place where it stands.
  Range origin(size_t begin, size_t end) const;
  // The bytes [begin, end) as a text of their own; borrows from this one.
  AlignedText slice(size_t begin, size_t end) const;

 private:
  friend class Rewriter;
  std::string_view borrowed_;
  std::string owned_;
  bool owns_ = false;
  std::vector<Range> origins_;  // of each byte; empty: byte i came from byte base_ + i
  size_t base_ = 0;
  bool tracked_ = false;
};

// Makes the next form of a text from left to right.
class Rewriter {
 public:
  explicit Rewriter(const AlignedText& from);

  void keep(size_t bytes);
  // The next `bytes` become `with`; 0 inserts, an empty `with` removes.
  void replace(size_t bytes, std::string_view with);
  size_t position() const { return at_; }         // in the old text
  size_t written() const { return out_.size(); }  // in the new one
  AlignedText finish();                           // keeps the rest

 private:
  const AlignedText& from_;
  std::string_view source_;
  size_t at_ = 0;
  std::string out_;
  std::vector<Range> origins_;
};

}  // namespace tunewright::text

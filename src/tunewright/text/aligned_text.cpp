#include "tunewright/text/aligned_text.h"

#include <algorithm>
#include <cstddef>

#include "tunewright/text/unicode.h"

namespace tunewright::text {

Range AlignedText::origin(size_t begin, size_t end) const {
  if (origins_.empty()) {
    // A text whose every byte was removed keeps no origins either: it stands where it began.
    const auto limit = owns_ ? size_t{0} : view().size();
    return {static_cast<uint32_t>(base_ + std::min(begin, limit)),
            static_cast<uint32_t>(base_ + std::min(end, limit))};
  }
  if (begin < end)
    return {origins_[begin].begin, std::max(origins_[begin].begin, origins_[end - 1].end)};
  const auto point = begin < origins_.size() ? origins_[begin].begin : origins_.back().end;
  return {point, point};
}

AlignedText AlignedText::slice(size_t begin, size_t end) const {
  AlignedText part(view().substr(begin, end - begin), base_ + begin, tracked_);
  if (!origins_.empty()) {
    part.base_ = origin(begin, begin).begin;
    part.origins_.assign(origins_.begin() + static_cast<ptrdiff_t>(begin),
                         origins_.begin() + static_cast<ptrdiff_t>(end));
  }
  return part;
}

Rewriter::Rewriter(const AlignedText& from) : from_(from), source_(from.view()) {
  out_.reserve(source_.size() + 16);
  if (from.tracked()) origins_.reserve(source_.size() + 16);
}

void Rewriter::keep(size_t bytes) {
  out_.append(source_.substr(at_, bytes));
  if (from_.tracked()) {
    for (size_t i = at_; i < at_ + bytes; ++i) origins_.push_back(from_.origin(i, i + 1));
  }
  at_ += bytes;
}

void Rewriter::replace(size_t bytes, std::string_view with) {
  out_.append(with);
  // What is inserted counts as a part of the character after it.
  const auto covered =
      bytes == 0 && at_ < source_.size() ? code_point_at(source_, at_).size : bytes;
  if (from_.tracked())
    origins_.insert(origins_.end(), with.size(), from_.origin(at_, at_ + covered));
  at_ += bytes;
}

AlignedText Rewriter::finish() {
  keep(source_.size() - at_);
  AlignedText result({}, from_.base_, from_.tracked_);
  result.owned_ = std::move(out_);
  result.owns_ = true;
  result.origins_ = std::move(origins_);
  return result;
}

}  // namespace tunewright::text

#include "tunewright/metrics/translation_edits.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "tunewright/base/error.h"

namespace tunewright::metrics {
namespace {

// Tercom's limits, and the reference's own.
constexpr int64_t kMaxShiftSize = 10, kMaxShiftDistance = 50, kBeam = 25;
constexpr int64_t kMaxShiftCandidates = 1000;
constexpr int32_t kUnreached = 1 << 29;

using Words = std::vector<uint32_t>;

enum class Edit : uint8_t { kNone, kKeep, kExchange, kPutIn, kTakeOut };

// Edit distance to one text, computed in a band around the diagonal.  Rows of the table stand for
// beginnings of `own`; the rows of the text that set_base() was called with are kept, so that a
// text that begins alike takes only the rest.
class BandedDistance {
 public:
  BandedDistance(std::span<const uint32_t> wanted, size_t own_size)
      : wanted_(wanted), own_size_(own_size), width_(wanted.size() + 1) {
    ratio_ =
        own_size == 0 ? 1.0 : static_cast<double>(wanted.size()) / static_cast<double>(own_size);
    // Where lengths differ wildly, bands of rows that follow each other would not meet.
    beam_ = static_cast<double>(kBeam) < ratio_ / 2
                ? static_cast<int64_t>(std::ceil(ratio_ / 2 + static_cast<double>(kBeam)))
                : kBeam;
    costs_.resize((own_size + 1) * width_);
    edits_.resize(costs_.size());
    for (size_t j = 0; j < width_; ++j) costs_[j] = static_cast<int32_t>(j);
    std::fill_n(edits_.begin(), width_, Edit::kPutIn);
    scratch_.resize(2 * width_);
  }

  int64_t set_base(const Words& own) {
    for (size_t i = 1; i <= own_size_; ++i)
      fill_row<true>(own[i - 1], i, &costs_[(i - 1) * width_], &costs_[i * width_],
                     &edits_[i * width_]);
    return costs_.back();
  }

  // `own` begins like the base, up to `from`.
  int64_t distance(const Words& own, size_t from) {
    const int32_t* above = &costs_[from * width_];
    size_t turn = 0;
    for (size_t i = from + 1; i <= own_size_; ++i, turn ^= 1) {
      int32_t* row = &scratch_[turn * width_];
      fill_row<false>(own[i - 1], i, above, row, nullptr);
      above = row;
    }
    return above[width_ - 1];
  }

  // What becomes of the base, from its first word on.
  std::vector<Edit> path() const {
    std::vector<Edit> path;
    for (size_t i = own_size_, j = width_ - 1; i > 0 || j > 0;) {
      path.push_back(edits_[i * width_ + j]);
      TUNEWRIGHT_ASSERT(path.back() != Edit::kNone);
      if (path.back() != Edit::kPutIn) --i;
      if (path.back() != Edit::kTakeOut) --j;
    }
    std::reverse(path.begin(), path.end());
    return path;
  }

 private:
  int64_t diagonal(size_t i) const {
    return static_cast<int64_t>(std::floor(static_cast<double>(i) * ratio_));
  }
  size_t band_begin(size_t i) const {
    return static_cast<size_t>(std::max<int64_t>(0, diagonal(i) - beam_));
  }
  size_t band_end(size_t i) const {
    if (i == own_size_) return width_;
    return static_cast<size_t>(
        std::min<int64_t>(static_cast<int64_t>(width_), diagonal(i) + beam_));
  }

  // Of edits that cost the same, the first: keep or exchange, take out, put in.
  template <bool kWithEdits>
  void fill_row(uint32_t word, size_t i, const int32_t* above, int32_t* row, Edit* edits) {
    const auto begin = band_begin(i), end = band_end(i);
    // What the row below reads beyond the band.
    if (begin > 0) row[begin - 1] = kUnreached;
    if (i < own_size_) std::fill(row + end, row + std::max(end, band_end(i + 1)), kUnreached);
    if constexpr (kWithEdits) std::fill(edits, edits + width_, Edit::kNone);
    for (size_t j = begin; j < end; ++j) {
      int32_t best = above[j] + 1;
      Edit edit = Edit::kTakeOut;
      if (j > 0) {
        const bool same = word == wanted_[j - 1];
        const int32_t straight = above[j - 1] + !same;
        if (straight <= best) {
          best = straight;
          edit = same ? Edit::kKeep : Edit::kExchange;
        }
        if (row[j - 1] + 1 < best) {
          best = row[j - 1] + 1;
          edit = Edit::kPutIn;
        }
      }
      row[j] = std::min(best, kUnreached);
      if constexpr (kWithEdits) edits[j] = best < kUnreached ? edit : Edit::kNone;
    }
  }

  std::span<const uint32_t> wanted_;
  size_t own_size_, width_;
  double ratio_ = 1;
  int64_t beam_ = kBeam;
  std::vector<int32_t> costs_, scratch_;
  std::vector<Edit> edits_;
};

// Where the words of `wanted` have their counterpart, and which words are wrong on either side.
struct Alignment {
  std::vector<int64_t> own_of;  // a word of `wanted` -> position in `own`; -1: before the first
  std::vector<uint8_t> own_wrong, wanted_wrong;
};

Alignment align(const std::vector<Edit>& path) {
  Alignment result;
  int64_t own = -1;
  for (const auto edit : path) {
    const bool wrong = edit != Edit::kKeep;
    if (edit != Edit::kPutIn) {
      ++own;
      result.own_wrong.push_back(wrong);
    }
    if (edit != Edit::kTakeOut) {
      result.own_of.push_back(own);
      result.wanted_wrong.push_back(wrong);
    }
  }
  return result;
}

// words[start, start + length) put before words[target], in the order of what then stands there.
void shift(const Words& words, size_t start, size_t length, size_t target, Words& out) {
  out = words;
  const auto begin = out.begin();
  const auto at = [&](size_t i) { return begin + static_cast<int64_t>(i); };
  if (target < start) {
    std::rotate(at(target), at(start), at(start + length));
  } else if (target > start + length) {
    std::rotate(at(start), at(start + length), at(target));
  } else {
    // Into itself: the reference moves it behind as many words as it reaches in.
    const auto end = std::min(length + target, words.size());
    std::rotate(at(start), at(std::min(start + length, end)), at(end));
  }
}

struct Candidate {
  // The greater is the better: edits saved, words shifted, then the earliest of each.
  std::tuple<int64_t, int64_t, int64_t, int64_t> rank;
  Words words;
};

class ShiftSearch {
 public:
  ShiftSearch(std::span<const uint32_t> own, std::span<const uint32_t> wanted)
      : words_(own.begin(), own.end()), wanted_(wanted), distance_(wanted, own.size()) {}

  int64_t edits() {
    int64_t shifts = 0;
    int64_t left = distance_.set_base(words_);
    for (;; ++shifts) {
      auto best = best_shift(left);
      const bool done = checked_ >= kMaxShiftCandidates || !best || std::get<0>(best->rank) <= 0;
      if (done) return shifts + left;
      words_ = std::move(best->words);
      left = distance_.set_base(words_);
    }
  }

 private:
  std::optional<Candidate> best_shift(int64_t before) {
    std::optional<Candidate> best;
    const auto alignment = align(distance_.path());
    for (size_t start = 0; start < words_.size(); ++start) {
      const auto distance = static_cast<size_t>(kMaxShiftDistance);
      const auto first = start > distance ? start - distance : 0;
      for (size_t to = first; to < wanted_.size() && to <= start + distance; ++to) {
        for (size_t length = 1; runs_alike(start, to, length); ++length) {
          if (!is_worth_trying(alignment, start, to, length)) continue;
          try_shifts(alignment, start, to, length, before, best);
          if (checked_ >= kMaxShiftCandidates) return best;
        }
      }
    }
    return best;
  }

  bool runs_alike(size_t start, size_t to, size_t length) const {
    return length <= static_cast<size_t>(kMaxShiftSize) && start + length <= words_.size() &&
           to + length <= wanted_.size() && words_[start + length - 1] == wanted_[to + length - 1];
  }

  static bool any(const std::vector<uint8_t>& wrong, size_t begin, size_t length) {
    const auto* at = wrong.data() + begin;
    return std::any_of(at, at + length, [](uint8_t flag) { return flag != 0; });
  }

  static bool is_worth_trying(const Alignment& alignment, size_t start, size_t to, size_t length) {
    if (!any(alignment.own_wrong, start, length) || !any(alignment.wanted_wrong, to, length))
      return false;
    const auto aligned = alignment.own_of[to];
    const auto begin = static_cast<int64_t>(start), end = static_cast<int64_t>(start + length);
    return aligned < begin || aligned >= end;
  }

  // To where the run's words, and the one before them, have their counterparts.
  void try_shifts(const Alignment& alignment, size_t start, size_t to, size_t length,
                  int64_t before, std::optional<Candidate>& best) {
    int64_t last = -1;
    for (int64_t offset = -1; offset < static_cast<int64_t>(length); ++offset) {
      const auto place = static_cast<int64_t>(to) + offset;
      if (place >= static_cast<int64_t>(wanted_.size())) return;
      const auto target = place == -1 ? 0 : alignment.own_of[static_cast<size_t>(place)] + 1;
      if (target == last) continue;
      last = target;
      shift(words_, start, length, static_cast<size_t>(target), shifted_);
      const auto unchanged = std::min(start, static_cast<size_t>(target));
      const std::tuple rank = {before - distance_.distance(shifted_, unchanged),
                               static_cast<int64_t>(length), -static_cast<int64_t>(start), -target};
      ++checked_;
      if (!best || rank > best->rank) best = Candidate{rank, shifted_};
    }
  }

  Words words_;
  std::span<const uint32_t> wanted_;
  BandedDistance distance_;
  Words shifted_;
  int64_t checked_ = 0;
};

}  // namespace

int64_t translation_edits(std::span<const uint32_t> own, std::span<const uint32_t> wanted) {
  if (wanted.empty()) return static_cast<int64_t>(own.size());
  return ShiftSearch(own, wanted).edits();
}

}  // namespace tunewright::metrics

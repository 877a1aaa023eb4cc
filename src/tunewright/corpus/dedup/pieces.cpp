#include "tunewright/corpus/dedup/pieces.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/dedup/row_set.h"
#include "tunewright/text/python_text.h"

namespace tunewright::corpus {
namespace {

constexpr uint64_t kFree = std::numeric_limits<uint64_t>::max();

// A line or paragraph, and what stands between it and the next one.
struct Piece {
  std::string_view text, separator;
};

// Calls `use` for each piece of a text: together they are the text.
template <class Use>
void for_each_piece(std::string_view text, PieceKind kind, const Use& use) {
  while (!text.empty()) {
    auto end = text.find(kind == PieceKind::kLine ? "\n" : "\n\n");
    if (end == text.npos) end = text.size() - (text.ends_with('\n') ? 1 : 0);
    auto next = end;
    while (next < text.size() && text[next] == '\n') {
      ++next;
      if (kind == PieceKind::kLine) break;
    }
    use(Piece{text.substr(0, end), text.substr(end, next - end)});
    text.remove_prefix(next);
  }
}

bool has_words(std::string_view text, int64_t least) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !inside ? 1 : 0;
    inside = !space;
    if (words >= least) return true;
  }
  return false;
}

// None: too short to be removed.
std::optional<Hash128> key_of(std::string_view piece, const PieceOptions& options) {
  const auto text = trim(piece);
  if (!has_words(text, options.min_words)) return std::nullopt;
  if (!options.ignore_case) return fast_hash128(text);
  return fast_hash128(text::python::is_ascii(text) ? to_lower(text) : text::python::lower(text));
}

// Where a piece stands: the row, and its number among all pieces of the row.
uint64_t position_of(uint32_t row, uint32_t piece) { return uint64_t{row} << 32 | piece; }

bool is_blank(std::string_view text) { return trim(text).empty(); }

}  // namespace

struct DedupPieces::Keys final : Notes {
  std::vector<std::pair<uint64_t, Hash128>> pieces;  // positions and keys
};

DedupPieces::DedupPieces(const PieceOptions& options, PieceKind kind)
    : options_(options), kind_(kind), memory_bytes_(parse_bytes(options.memory, "memory")) {
  if (options.keep < 1)
    throw UserError(str("keep: expected 1 or more occurrences, got ", options.keep));
  if (options.min_words < 1)
    throw UserError(str("min_words: expected 1 or more, got ", options.min_words));
}

void DedupPieces::prepare(const StepResources& resources) {
  repeats_.emplace(resources.scratch, memory_bytes_);
  workers_ = resources.workers;
}

std::unique_ptr<Step::Notes> DedupPieces::read(const Batch& batch) const {
  auto notes = std::make_unique<Keys>();
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto row = checked_row(batch.rows[i]);
    uint32_t number = 0;
    for (const auto& text : batch.documents[i].texts()) {
      for_each_piece(text, kind_, [&](const Piece& piece) {
        if (const auto key = key_of(piece.text, options_))
          notes->pieces.emplace_back(position_of(row, number), *key);
        ++number;
      });
    }
  }
  return notes;
}

void DedupPieces::collect(std::unique_ptr<Notes> notes) {
  for (const auto& [position, key] : dynamic_cast<Keys&>(*notes).pieces)
    repeats_->add(key, position);
}

void DedupPieces::decide(Reporter& /*reporter*/) {
  occurrences_ = repeats_->size();
  std::vector<Limit> found;
  repeats_->finish(options_.keep, workers_, [&](const std::vector<Repeat>& part) {
    removed_ += std::ssize(part);
    std::vector<Limit> limits;
    for (const auto& repeat : part) limits.push_back({repeat.key, repeat.last_kept});
    std::ranges::sort(limits, {}, &Limit::key);
    const auto rest = std::ranges::unique(limits, {}, &Limit::key);
    found.insert(found.end(), limits.begin(), rest.begin());
  });
  repeats_.reset();
  repeated_keys_ = std::ssize(found);
  limits_.assign(std::bit_ceil(found.size() + found.size() / 2 + 1),
                 {.key = {}, .last_kept = kFree});
  for (const auto& limit : found) {
    auto at = static_cast<size_t>(limit.key.low) & (limits_.size() - 1);
    while (limits_[at].last_kept != kFree) at = (at + 1) & (limits_.size() - 1);
    limits_[at] = limit;
  }
}

bool DedupPieces::is_repeated(const Hash128& key, uint64_t position) const {
  auto at = static_cast<size_t>(key.low) & (limits_.size() - 1);
  while (limits_[at].last_kept != kFree && limits_[at].key != key)
    at = (at + 1) & (limits_.size() - 1);
  return limits_[at].last_kept != kFree && position > limits_[at].last_kept;
}

Verdict DedupPieces::judge(Document& document, int64_t row) const {
  const char* what = kind_ == PieceKind::kLine ? "repeated lines" : "repeated paragraphs";
  const auto texts = document.texts();
  int64_t removed = 0;
  uint32_t number = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string left;
    std::string_view separator, last_separator;  // after what is left, and at the end of the text
    int64_t removed_here = 0;
    for_each_piece(texts[i], kind_, [&](const Piece& piece) {
      const auto key = key_of(piece.text, options_);
      const auto position = position_of(static_cast<uint32_t>(row), number++);
      if (key && is_repeated(*key, position)) {
        ++removed_here;
      } else {
        (left += separator) += piece.text;
        separator = piece.separator;
      }
      last_separator = piece.separator;
    });
    if (removed_here == 0) continue;
    if (is_blank(left) && texts.size() > 1) continue;
    removed += removed_here;
    if (is_blank(left)) return dropped(str("nothing left of it, ", what, " ", removed));
    left += last_separator;
    document.replace(i, std::move(left));
  }
  return removed == 0 ? Verdict{} : changed(str(what, " ", removed));
}

Json DedupPieces::summary() const {
  return {
      {"compared", occurrences_}, {"repeated", repeated_keys_}, {"occurrences_beyond", removed_}};
}

}  // namespace tunewright::corpus

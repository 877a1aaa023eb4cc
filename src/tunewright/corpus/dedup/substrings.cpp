#include "tunewright/corpus/dedup/substrings.h"

#include <algorithm>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/dedup/row_set.h"

namespace tunewright::corpus {
namespace {

std::string without(std::string_view text, std::span<const ByteRange> ranges) {
  std::string left;
  size_t at = 0;
  for (const auto& range : ranges) {
    left += text.substr(at, range.begin - at);
    at = range.end;
  }
  return left += text.substr(at);
}

}  // namespace

struct DedupSubstrings::Texts final : Notes {
  std::vector<uint32_t> rows;
  std::vector<std::vector<std::string>> texts;
};

DedupSubstrings::DedupSubstrings(const SubstringOptions& options)
    : options_(options), shard_bytes_(parse_bytes(options.shard, "shard")) {
  if (options.min_bytes < 8)
    throw UserError(str("min_bytes: expected 8 or more, got ", options.min_bytes));
  if (shard_bytes_ >= RepeatShard::kMostBytes / 2)
    throw UserError(str("shard: expected less than 1GiB, got ", options.shard));
}

std::unique_ptr<Step::Notes> DedupSubstrings::read(const Batch& batch) const {
  auto notes = std::make_unique<Texts>();
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    notes->rows.push_back(checked_row(batch.rows[i]));
    notes->texts.push_back(batch.documents[i].texts());
  }
  return notes;
}

void DedupSubstrings::collect(std::unique_ptr<Notes> notes) {
  const auto& [rows, texts] = dynamic_cast<Texts&>(*notes);
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t number = 0; number < texts[i].size(); ++number) {
      shard_.add(texts[i][number]);
      places_.emplace_back(rows[i], static_cast<uint32_t>(number));
    }
    if (shard_.bytes() >= shard_bytes_) finish_shard();
  }
}

void DedupSubstrings::finish_shard() {
  const auto ranges = shard_.ranges(options_.min_bytes, options_.keep);
  for (size_t text = 0; text < ranges.size(); ++text) {
    for (const auto& range : ranges[text]) {
      removals_.push_back({places_[text].first, places_[text].second, range});
      removed_bytes_ += range.end - range.begin;
    }
  }
  ++shards_;
  shard_.clear();
  places_.clear();
}

void DedupSubstrings::decide(Reporter& /*reporter*/) {
  if (shard_.texts() > 0) finish_shard();
  shard_ = {};
}

Verdict DedupSubstrings::judge(Document& document, int64_t row) const {
  const auto of_row = std::ranges::equal_range(removals_, row, {}, &Removal::row);
  if (of_row.empty()) return {};
  const auto texts = document.texts();
  int64_t removed = 0, bytes = 0;
  const auto reason = [&] { return str("repeated substrings ", removed, ", bytes ", bytes); };
  for (auto begin = of_row.begin(), end = begin; begin != of_row.end(); begin = end) {
    end = std::find_if(begin, of_row.end(), [&](const auto& r) { return r.text != begin->text; });
    std::vector<ByteRange> ranges;
    for (auto it = begin; it != end; ++it) ranges.push_back(it->range);
    auto left = without(texts[begin->text], ranges);
    const bool is_empty = trim(left).empty();
    if (is_empty && texts.size() > 1) continue;
    removed += std::ssize(ranges);
    for (const auto& range : ranges) bytes += range.end - range.begin;
    if (is_empty) return dropped(str("nothing left of it, ", reason()));
    document.replace(begin->text, std::move(left));
  }
  return removed == 0 ? Verdict{} : changed(reason());
}

Json DedupSubstrings::summary() const {
  return {{"shards", shards_}, {"substrings", removals_.size()}, {"bytes", removed_bytes_}};
}

}  // namespace tunewright::corpus

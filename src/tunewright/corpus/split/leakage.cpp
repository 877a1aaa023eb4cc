#include "tunewright/corpus/split/leakage.h"

#include <algorithm>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

constexpr uint8_t kNoSplit = std::numeric_limits<uint8_t>::max();
constexpr size_t kMostSplits = 16;
constexpr uint32_t kNoRow = std::numeric_limits<uint32_t>::max();

}  // namespace

Json count_leaks(std::span<const uint32_t> firsts, std::span<const uint8_t> splits,
                 std::span<const std::string> names) {
  std::vector<uint16_t> seen;  // splits of each cluster, a bit each
  for (size_t i = 0; i < firsts.size(); ++i) {
    if (splits[i] >= names.size()) continue;
    if (firsts[i] >= seen.size()) seen.resize(firsts[i] + size_t{firsts[i]} / 2 + 1);
    seen[firsts[i]] |= static_cast<uint16_t>(1 << splits[i]);
  }
  std::vector<std::vector<int64_t>> leaks(names.size(), std::vector<int64_t>(names.size()));
  for (size_t i = 0; i < firsts.size(); ++i) {
    if (splits[i] >= names.size()) continue;
    for (size_t other = 0; other < splits[i]; ++other)
      leaks[other][splits[i]] += seen[firsts[i]] >> other & 1;
  }
  Json json = Json::object();
  for (size_t split = 1; split < names.size(); ++split) {
    for (size_t other = 0; other < split; ++other)
      json[str(names[other], "-", names[split])] = leaks[other][split];
  }
  return json;
}

struct Leakage::Splits final : Notes {
  std::vector<std::pair<uint32_t, uint8_t>> rows;
  std::unique_ptr<Notes> near_duplicates;
};

Leakage::Leakage(const LeakageOptions& options)
    : options_(options), duplicates_(options.minhash, /*short_texts=*/true) {
  if (options.splits.size() < 2 || options.splits.size() > kMostSplits) {
    throw UserError(
        str("splits: expected 2 to ", kMostSplits, " names, got ", options.splits.size()));
  }
}

std::unique_ptr<Step::Notes> Leakage::read(const Batch& batch) const {
  auto notes = std::make_unique<Splits>();
  notes->near_duplicates = duplicates_.read(batch);
  if (reading_ > 0) return notes;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto name = batch.documents[i].field(options_.field);
    const auto it = name.is_string() ? std::ranges::find(options_.splits, name.get<std::string>())
                                     : options_.splits.end();
    notes->rows.emplace_back(checked_row(batch.rows[i]),
                             it == options_.splits.end()
                                 ? kNoSplit
                                 : static_cast<uint8_t>(it - options_.splits.begin()));
  }
  return notes;
}

void Leakage::collect(std::unique_ptr<Notes> notes) {
  const auto& [rows, near_duplicates] = dynamic_cast<Splits&>(*notes);
  duplicates_.collect(*near_duplicates);
  for (const auto& [row, split] : rows) {
    rows_.insert(row);
    splits_.push_back(split);
  }
}

uint32_t Leakage::first_of_cluster(uint32_t row) const {
  const auto match = duplicates_.match(row);
  return match ? match->first : row;
}

void Leakage::decide(Reporter& reporter) {
  duplicates_.decide(reporter);
  if (++reading_ < passes()) return;
  rows_.freeze();
  if (std::ranges::count(splits_, kNoSplit) == std::ssize(splits_)) {
    throw UserError(str("field: no row has a field '", options_.field, "' with one of ",
                        join(options_.splits, ", "), "; set `field` or `splits`"));
  }
  size_t i = 0;
  rows_.for_each([&](uint32_t row) {
    const auto split = splits_[i++];
    if (split == kNoSplit) return;
    const auto first = first_of_cluster(row);
    if (first >= earliest_.size()) earliest_.resize(first + size_t{first} / 2 + 1, kNoRow);
    auto& earliest = earliest_[first];
    if (earliest == kNoRow || split < splits_[rows_.index(earliest)]) earliest = row;
  });
}

std::optional<Verdict> Leakage::verdict_unseen(int64_t row) const {
  if (!rows_.contains(row)) return std::nullopt;
  const auto split = splits_[rows_.index(static_cast<uint32_t>(row))];
  if (options_.leaked == LeakedRows::kReport || split == kNoSplit) return Verdict{};
  const auto earliest = earliest_[first_of_cluster(static_cast<uint32_t>(row))];
  const auto earliest_split = splits_[rows_.index(earliest)];
  if (earliest_split == split) return Verdict{};
  return dropped(
      str("leaks from ", options_.splits[earliest_split], ": near-duplicate of row ", earliest));
}

Verdict Leakage::judge(Document& /*document*/, int64_t row) const {
  return verdict_unseen(row).value_or(Verdict{});
}

Json Leakage::summary() const {
  std::vector<uint32_t> firsts;
  rows_.for_each([&](uint32_t row) { firsts.push_back(first_of_cluster(row)); });
  Json rows = Json::object();
  for (size_t split = 0; split < options_.splits.size(); ++split)
    rows[options_.splits[split]] = std::ranges::count(splits_, static_cast<uint8_t>(split));
  return {{"rows", rows},
          {"without_split", std::ranges::count(splits_, kNoSplit)},
          {"leakage", count_leaks(firsts, splits_, options_.splits)}};
}

}  // namespace tunewright::corpus

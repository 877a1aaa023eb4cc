#include "tunewright/corpus/split/split.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/split/leakage.h"
#include "tunewright/corpus/split/time_value.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kMostListedStrata = 50;

void check(const SplitOptions& o) {
  for (const auto& [name, share] :
       {std::pair{"train", o.train}, std::pair{"validation", o.validation},
        std::pair{"test", o.test}}) {
    if (share < 0 || share > 1)
      throw UserError(str(name, ": expected a share from 0 to 1, got ", share));
  }
  const double sum = o.train + o.validation + o.test;
  if (std::abs(sum - 1) > 1e-6) {
    throw UserError(str("train, validation and test: expected shares that make 1, got ", o.train,
                        " + ", o.validation, " + ", o.test, " = ", sum));
  }
  if (!o.stratify.empty() && !o.time.empty())
    throw UserError("stratify and time: a split by time has no strata; choose one of them");
  if (o.field.empty()) throw UserError("field: expected the name of a field, got none");
}

}  // namespace

struct Split::Fields final : Notes {
  struct Row {
    uint32_t row = 0;
    std::string stratum;
    Hash128 group;
    double time = 0;
  };
  std::vector<Row> rows;
  std::unique_ptr<Notes> near_duplicates;
};

Split::Split(const SplitOptions& options) : options_(options) {
  check(options);
  if (options.near_duplicates != NearDuplicatesOfSplit::kIgnore)
    duplicates_.emplace(options.minhash, /*short_texts=*/true);
}

void Split::prepare(const StepResources& resources) {
  resources_ = resources;
  if (duplicates_) duplicates_->prepare(resources);
  if (!options_.group.empty())
    groups_.emplace(resources.scratch, parse_bytes(options_.minhash.memory, "memory"));
}

std::unique_ptr<Step::Notes> Split::read(const Batch& batch) const {
  auto notes = std::make_unique<Fields>();
  if (duplicates_) notes->near_duplicates = duplicates_->read(batch);
  if (reading_ > 0) return notes;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto& document = batch.documents[i];
    Fields::Row row{.row = checked_row(batch.rows[i])};
    if (!options_.time.empty()) {
      const auto time = time_value(document.field(options_.time));
      if (!time) continue;  // judge() drops it
      row.time = *time;
    }
    if (!options_.stratify.empty()) row.stratum = dump_json(document.field(options_.stratify));
    if (!options_.group.empty()) {
      const auto group = document.field(options_.group);
      // A row of no group is one by itself.
      row.group = fast_hash128(group.is_null() ? str("row ", row.row) : dump_json(group));
    }
    notes->rows.push_back(std::move(row));
  }
  return notes;
}

void Split::collect(std::unique_ptr<Notes> notes) {
  auto& [rows, near_duplicates] = dynamic_cast<Fields&>(*notes);
  if (duplicates_ && near_duplicates) duplicates_->collect(*near_duplicates);
  for (const auto& row : rows) {
    rows_.insert(row.row);
    strata_.push_back(
        stratum_names_.try_emplace(row.stratum, static_cast<uint32_t>(stratum_names_.size()))
            .first->second);
    if (!options_.time.empty()) times_.push_back(row.time);
    if (groups_) groups_->add(row.group, row.row);
  }
}

void Split::decide(Reporter& reporter) {
  if (duplicates_) duplicates_->decide(reporter);
  if (++reading_ == passes()) assign();
}

uint32_t Split::first_of_cluster(uint32_t row) const {
  const auto match = duplicates_ ? duplicates_->match(row) : std::nullopt;
  return match ? match->first : row;
}

void Split::assign() {
  rows_.freeze();
  if (rows_.size() == 0) {
    throw UserError(str("time: no row has a field '", options_.time,
                        "' with an ISO 8601 date or a number; check its name"));
  }
  // A cluster may hold rows without a time, which are dropped: numbers of input rows join them all.
  uint32_t end = 0;
  rows_.for_each([&](uint32_t row) { end = row; });  // a cluster's first row comes before
  DisjointSets units(end + 1);
  if (options_.near_duplicates == NearDuplicatesOfSplit::kTogether)
    rows_.for_each([&](uint32_t row) { units.unite(first_of_cluster(row), row); });
  if (groups_) {
    groups_->finish(1, resources_.workers, [&](const std::vector<Repeat>& repeats) {
      for (const auto& repeat : repeats) {
        units.unite(static_cast<uint32_t>(repeat.last_kept),
                    static_cast<uint32_t>(repeat.position));
      }
    });
    groups_.reset();
  }
  std::vector<SplitRow> rows;
  RowSet unit_rows;
  rows_.for_each([&](uint32_t row) {
    const auto i = rows.size();
    rows.push_back(
        {.unit = units.find(row), .stratum = strata_[i], .time = times_.empty() ? 0 : times_[i]});
    unit_rows.insert(rows.back().unit);
  });
  unit_rows.freeze();
  units_ = unit_rows.size();
  const auto counts = split_counts(std::ssize(rows), options_.validation, options_.test);
  splits_ = options_.time.empty()
                ? assign_at_random(rows, counts, static_cast<uint64_t>(options_.seed))
                : assign_by_time(rows, counts);
}

Verdict Split::judge(Document& document, int64_t row) const {
  if (!rows_.contains(row)) {
    return dropped(
        str("no time: field '", options_.time, "' holds no ISO 8601 date and no number"));
  }
  const char* split = kSplitNames[splits_[rows_.index(static_cast<uint32_t>(row))]];
  document.set_field(options_.field, split);
  return changed(str("split ", split));
}

Json Split::summary() const {
  Json rows = Json::object(), strata = Json::object();
  for (size_t split = 0; split < kSplitNames.size(); ++split)
    rows[kSplitNames[split]] = std::ranges::count(splits_, static_cast<uint8_t>(split));
  std::vector<SplitCounts> counts(stratum_names_.size());
  for (size_t i = 0; i < splits_.size(); ++i) ++counts[strata_[i]][splits_[i]];
  for (const auto& [name, stratum] : stratum_names_) {
    if (strata.size() == kMostListedStrata) break;
    for (size_t split = 0; split < kSplitNames.size(); ++split)
      strata[name][kSplitNames[split]] = counts[stratum][split];
  }
  Json json = {{"rows", rows}, {"units", units_}};
  if (!options_.stratify.empty()) json["strata"] = strata;
  if (duplicates_) {
    json["near_duplicates"] = duplicates_->summary();
    std::vector<uint32_t> firsts;
    rows_.for_each([&](uint32_t row) { firsts.push_back(first_of_cluster(row)); });
    const std::vector<std::string> names(kSplitNames.begin(), kSplitNames.end());
    json["leakage"] = count_leaks(firsts, splits_, names);
  }
  return json;
}

}  // namespace tunewright::corpus

#include "tunewright/corpus/select/balance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tunewright/base/error.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/field_value.h"

namespace tunewright::corpus {
namespace {

// `total` shared out by `shares`, whose sum is 1: what is left after rounding down goes to the
// largest remainders, of equal ones the first.
std::vector<int64_t> share_out(const std::vector<double>& shares, int64_t total) {
  std::vector<int64_t> counts;
  std::vector<double> rest;
  for (const double share : shares) {
    const double exact = share * static_cast<double>(total);
    counts.push_back(static_cast<int64_t>(exact));
    rest.push_back(exact - static_cast<double>(counts.back()));
  }
  std::vector<size_t> order(shares.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return rest[i]; });
  auto left = total - std::accumulate(counts.begin(), counts.end(), int64_t{0});
  for (size_t i = 0; left > 0; i = (i + 1) % order.size(), --left) ++counts[order[i]];
  return counts;
}

std::vector<int64_t> mixed_by_temperature(const std::vector<int64_t>& counts,
                                          const BalanceOptions& options) {
  std::vector<double> shares;
  double sum = 0;
  for (const auto count : counts) {
    shares.push_back(std::pow(static_cast<double>(count), 1 / options.temperature));
    sum += shares.back();
  }
  for (auto& share : shares) share /= sum;
  const auto rows = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  return share_out(shares, options.rows > 0 ? options.rows : rows);
}

}  // namespace

struct Balance::Groups final : Notes {
  std::vector<std::pair<int64_t, std::string>> rows;
};

std::vector<int64_t> target_counts(const std::vector<int64_t>& counts,
                                   const BalanceOptions& options) {
  auto targets = counts;
  if (options.method == BalanceMethod::kTemperature) {
    targets = mixed_by_temperature(counts, options);
  } else if (options.method == BalanceMethod::kOversample) {
    const auto goal = options.limit > 0 ? options.limit : std::ranges::max(counts);
    for (auto& target : targets) target = std::max(target, goal);
  } else if (options.method == BalanceMethod::kUndersample) {
    const auto goal = options.limit > 0 ? options.limit : std::ranges::min(counts);
    for (auto& target : targets) target = std::min(target, goal);
  }
  if (options.max_copies > 0) {
    for (size_t i = 0; i < counts.size(); ++i)
      targets[i] = std::min(targets[i], counts[i] * options.max_copies);
  }
  return targets;
}

Balance::Balance(const BalanceOptions& options) : options_(options) {
  if (!(options.temperature > 0))
    throw UserError(str("temperature: expected a number above 0, got ", options.temperature));
  if (options.rows < 0 || options.limit < 0 || options.max_copies < 0)
    throw UserError("rows, limit, max_copies: expected no negative count");
}

std::unique_ptr<Step::Notes> Balance::read(const Batch& batch) const {
  auto groups = std::make_unique<Groups>();
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    if (auto name = name_in(batch.documents[i], options_.by))
      groups->rows.emplace_back(batch.rows[i], std::move(*name));
  }
  return groups;
}

void Balance::collect(std::unique_ptr<Notes> notes) {
  for (const auto& [row, name] : dynamic_cast<Groups&>(*notes).rows) {
    const auto group =
        groups_.try_emplace(name, static_cast<int32_t>(groups_.size())).first->second;
    rows_.emplace_back(row, group);
  }
}

void Balance::decide(Reporter& /*reporter*/) {
  if (rows_.empty())
    throw UserError(str("no row has a `", options_.by, "` to balance by; set by=FIELD"));
  std::vector<std::vector<int64_t>> members(groups_.size());
  for (const auto& [row, group] : rows_) members[group].push_back(row);
  for (const auto& rows : members) {
    counts_.push_back(std::ssize(rows));
    weights_.push_back(static_cast<double>(rows_.size()) /
                       (static_cast<double>(members.size()) * static_cast<double>(rows.size())));
  }
  std::vector<std::pair<int64_t, int32_t>>().swap(rows_);
  choose_copies(members);
}

// Every row of a group as often as the others, and some, by lot, once more.
void Balance::choose_copies(const std::vector<std::vector<int64_t>>& members) {
  written_ = target_counts(counts_, options_);
  for (const auto& [name, group] : groups_) {
    auto rows = members[group];
    Random random(static_cast<uint64_t>(options_.seed), stream_id("balance " + name));
    shuffle(rows, random);
    const auto each = written_[group] / counts_[group], more = written_[group] % counts_[group];
    for (int64_t k = 0; k < counts_[group]; ++k) {
      const auto copies = each + (k < more ? 1 : 0);
      if (copies != 1) copies_.emplace_back(rows[k], copies);
    }
  }
  std::ranges::sort(copies_);
}

Verdict Balance::judge(Document& document, int64_t row) const {
  const auto name = name_in(document, options_.by);
  if (!name) return dropped(str("no group in `", options_.by, "`"));
  if (options_.method == BalanceMethod::kWeights) {
    document.set_field(options_.weight_field, weights_[groups_.at(*name)]);
    return changed("weighted");
  }
  const auto it =
      std::ranges::lower_bound(copies_, row, {}, [](const auto& entry) { return entry.first; });
  if (it == copies_.end() || it->first != row) return {};
  if (it->second == 0) return dropped(str("balanced: '", excerpt(*name), "' has enough rows"));
  return {.copies = it->second};
}

Json Balance::summary() const {
  Json groups = Json::array();
  for (const auto& [name, group] : groups_) {
    groups.push_back({{"name", name},
                      {"rows", counts_[group]},
                      {"written", written_[group]},
                      {"weight", weights_[group]}});
  }
  return {{"by", options_.by}, {"groups", groups}};
}

}  // namespace tunewright::corpus

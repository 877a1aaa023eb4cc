#include "tunewright/corpus/audit/audit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/audit/toxic_words.h"
#include "tunewright/corpus/field_value.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kMostWordsShown = 20;
constexpr const char* kAny = "any";

using Counts = std::map<std::string, int64_t>;
using Table = std::map<std::string, Counts>;

void add_counts(Counts& to, const Counts& from) {
  for (const auto& [name, count] : from) to[name] += count;
}
void add_table(Table& to, const Table& from) {
  for (const auto& [name, counts] : from) add_counts(to[name], counts);
}

int64_t sum_of(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0},
                         [](int64_t sum, const auto& entry) { return sum + entry.second; });
}

// Largest first, of equal ones by name.
std::vector<std::pair<std::string, int64_t>> by_size(const Counts& counts) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater<>(),
                           [](const auto& entry) { return entry.second; });
  return sorted;
}

Json shares_json(const Counts& counts) {
  Json list = Json::array();
  const auto sum = static_cast<double>(std::max<int64_t>(sum_of(counts), 1));
  for (const auto& [name, count] : by_size(counts)) {
    list.push_back({{"name", name}, {"rows", count}, {"share", static_cast<double>(count) / sum}});
  }
  return list;
}

// Each line of the table as shares, and how strongly its names and the columns depend.
Json dependence_json(const Table& table) {
  std::set<std::string> columns;
  for (const auto& [name, counts] : table) {
    for (const auto& [column, count] : counts) columns.insert(column);
  }
  std::vector<std::vector<int64_t>> matrix;
  Json lines = Json::object();
  for (const auto& [name, counts] : table) {
    auto& line = matrix.emplace_back();
    for (const auto& column : columns) {
      const auto it = counts.find(column);
      line.push_back(it == counts.end() ? 0 : it->second);
    }
    lines[name] = shares_json(counts);
  }
  return {{"cramers_v", cramers_v(matrix)}, {"labels", lines}};
}

std::string allowed_name(const Json& value, const std::string& field) {
  auto name = name_of(value);
  if (!name) {
    throw UserError(str("require.", field, ": expected a list of allowed values, or 'any', got ",
                        excerpt(dump_json(value))));
  }
  return std::move(*name);
}

std::vector<std::string> allowed_values(const Json& value, const std::string& field) {
  std::vector<std::string> allowed;
  if (value.is_array()) {
    for (const auto& item : value) allowed.push_back(allowed_name(item, field));
    if (allowed.empty()) throw UserError(str("require.", field, ": the list is empty"));
  } else if (auto name = allowed_name(value, field); name != kAny) {
    allowed.push_back(std::move(name));
  }
  return allowed;
}

}  // namespace

double cramers_v(const std::vector<std::vector<int64_t>>& table) {
  if (table.empty()) return 0;
  std::vector<double> rows(table.size()), columns(table.front().size());
  double total = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < columns.size(); ++j) {
      const auto count = static_cast<double>(table[i][j]);
      rows[i] += count;
      columns[j] += count;
      total += count;
    }
  }
  const auto degrees = static_cast<double>(std::min(rows.size(), columns.size())) - 1;
  if (degrees < 1 || total == 0) return 0;
  double chi_squared = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < columns.size(); ++j) {
      const double expected = rows[i] * columns[j] / total;
      const double difference = static_cast<double>(table[i][j]) - expected;
      if (expected > 0) chi_squared += difference * difference / expected;
    }
  }
  return std::sqrt(chi_squared / total / degrees);
}

struct Audit::FoundNotes final : Notes {
  Found found;
};

void Audit::Found::add(const Found& other) {
  rows += other.rows;
  without_label += other.without_label;
  without_source += other.without_source;
  toxic_rows += other.toxic_rows;
  swappable += other.swappable;
  add_counts(labels, other.labels);
  add_counts(sources, other.sources);
  add_counts(groups, other.groups);
  add_counts(toxic_words, other.toxic_words);
  add_table(labels_of_source, other.labels_of_source);
  add_table(labels_of_group, other.labels_of_group);
  add_table(carried, other.carried);
}

Audit::Audit(const AuditOptions& options)
    : options_(options),
      groups_(options.groups.empty() ? GroupWords::english_gender()
                                     : GroupWords::read(options.groups)),
      toxic_list_(options.lexicon.empty() ? english_toxic_words()
                                          : Phrases::read_lines(options.lexicon)),
      toxic_(toxic_list_) {
  if (options.max_toxic < 0)
    throw UserError(str("max_toxic: expected 0 or more, got ", options.max_toxic));
  if (!options.require.is_object()) {
    throw UserError(str("require: expected fields and their allowed values, got ",
                        excerpt(dump_json(options.require))));
  }
  carried_fields_ = {"license", "consent"};
  for (const auto& [field, value] : options.require.items()) {
    requirements_.push_back({field, allowed_values(value, field)});
    if (std::ranges::find(carried_fields_, field) == carried_fields_.end())
      carried_fields_.push_back(field);
  }
}

std::unique_ptr<Step::Notes> Audit::read(const Batch& batch) const {
  auto notes = std::make_unique<FoundNotes>();
  for (const auto& document : batch.documents) read_row(document, notes->found);
  return notes;
}

void Audit::collect(std::unique_ptr<Notes> notes) {
  found_.add(dynamic_cast<FoundNotes&>(*notes).found);
}

void Audit::read_row(const Document& document, Found& found) const {
  ++found.rows;
  const auto label = name_in(document, options_.label_field);
  const auto source = name_in(document, options_.source_field);
  if (label) {
    ++found.labels[*label];
  } else {
    ++found.without_label;
  }
  if (source) {
    ++found.sources[*source];
  } else {
    ++found.without_source;
  }
  if (label && source) ++found.labels_of_source[*source][*label];
  for (const auto& field : carried_fields_)
    ++found.carried[field][name_in(document, field).value_or("")];
  note_groups(document, label.value_or(""), found);
  const auto toxic = toxic_words_of(document);
  if (std::ssize(toxic) > options_.max_toxic) ++found.toxic_rows;
  for (const auto& word : toxic) ++found.toxic_words[word];
}

void Audit::note_groups(const Document& document, const std::string& label, Found& found) const {
  std::set<size_t> groups;
  for (const auto& text : document.texts()) {
    for (const auto& word : word_spans(text)) {
      if (const auto group = groups_.group_of(word.lower)) groups.insert(*group);
    }
  }
  if (!groups.empty()) ++found.swappable;
  for (const auto group : groups) {
    ++found.groups[groups_.groups()[group]];
    if (!label.empty()) ++found.labels_of_group[groups_.groups()[group]][label];
  }
}

std::vector<std::string> Audit::toxic_words_of(const Document& document) const {
  std::vector<std::string> words;
  for (const auto& text : document.texts()) {
    for (const auto& match : toxic_.find(word_spans(text)))
      words.push_back(toxic_list_[match.phrase]);
  }
  return words;
}

// What the row lacks; empty: nothing.
std::string Audit::unmet(const Document& document) const {
  for (const auto& [field, allowed] : requirements_) {
    const auto value = name_in(document, field);
    if (!value) return str("required: no `", field, "`");
    if (!allowed.empty() && std::ranges::find(allowed, *value) == allowed.end())
      return str("required: `", field, "` is '", excerpt(*value), "'");
  }
  return "";
}

Verdict Audit::judge(Document& document, int64_t /*row*/) const {
  if (auto lacks = unmet(document); !lacks.empty()) return dropped(std::move(lacks));
  Verdict verdict;
  if (options_.toxicity != ToxicAction::kReport) {
    const auto toxic = toxic_words_of(document);
    const bool too_toxic = std::ssize(toxic) > options_.max_toxic;
    if (too_toxic && options_.toxicity == ToxicAction::kDrop) {
      return dropped(
          str("toxic: ", toxic.size(), " toxic words (", excerpt(join(toxic, ", ")), ")"));
    }
    if (too_toxic) {
      document.set_field("toxic_words", toxic);
      verdict = changed("toxic");
    }
  }
  if (options_.counterfactual != Counterfactual::kAdd) return verdict;
  auto copy = document;
  bool different = false;
  for (size_t i = 0; i < copy.texts().size(); ++i) {
    auto swapped = groups_.swapped(copy.texts()[i]);
    if (!swapped) continue;
    copy.replace(i, std::move(*swapped));
    different = true;
  }
  if (different) {
    copy.set_field("generated_by", "counterfactual");
    verdict.extra_lines.push_back(copy.line());
    if (verdict.reason.empty()) verdict.reason = "counterfactual added";
  }
  return verdict;
}

// How even: the entropy as a share of the largest possible, the smallest count as a share of the
// largest, and the names that are rare.
Json Audit::balance_json(const Counts& counts, int64_t missing) const {
  const auto sum = static_cast<double>(sum_of(counts));
  double entropy = 0;
  Json rare = Json::array();
  int64_t least = INT64_MAX, most = 0;
  for (const auto& [name, count] : counts) {
    const double share = static_cast<double>(count) / sum;
    entropy -= share * std::log(share);
    least = std::min(least, count);
    most = std::max(most, count);
    if (share < options_.imbalance / static_cast<double>(counts.size())) rare.push_back(name);
  }
  const auto names = static_cast<double>(counts.size());
  return {{"missing", missing},
          {"counts", shares_json(counts)},
          {"evenness", counts.size() > 1 ? Json(entropy / std::log(names)) : Json()},
          {"smallest_to_largest",
           counts.empty() ? Json() : Json(static_cast<double>(least) / static_cast<double>(most))},
          {"rare", rare}};
}

Json Audit::summary() const {
  Json words = Json::array();
  for (const auto& [word, count] : by_size(found_.toxic_words)) {
    if (words.size() == kMostWordsShown) break;
    words.push_back({{"name", word}, {"count", count}});
  }
  Json carried = Json::object();
  for (const auto& [field, counts] : found_.carried) {
    auto values = counts;
    const auto missing = values[""];
    values.erase("");
    carried[field] = {{"missing", missing}, {"counts", shares_json(values)}};
  }
  Json groups = Json::object();
  for (const auto& group : groups_.groups()) {
    const auto it = found_.groups.find(group);
    groups[group] = it == found_.groups.end() ? 0 : it->second;
  }
  return {{"rows", found_.rows},
          {"labels", balance_json(found_.labels, found_.without_label)},
          {"sources", balance_json(found_.sources, found_.without_source)},
          {"labels_by_source", dependence_json(found_.labels_of_source)},
          {"groups", {{"rows_with_group_words", found_.swappable}, {"rows", groups}}},
          {"labels_by_group", dependence_json(found_.labels_of_group)},
          {"toxicity",
           {{"rows", found_.toxic_rows},
            {"lexicon", options_.lexicon.empty() ? "built-in" : options_.lexicon},
            {"words", words}}},
          {"carried", carried}};
}

}  // namespace tunewright::corpus

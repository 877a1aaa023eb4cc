#include "tunewright/rows/inspect.h"

#include <algorithm>
#include <array>
#include <bit>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/utf8.h"
#include "tunewright/rows/rows.h"

namespace tunewright::rows {
namespace {

constexpr size_t kMostKeys = 200, kMostValues = 30, kLongestValue = 60, kMostShownAside = 5;
constexpr size_t kMostReasons = 50, kMostHashes = 50'000'000;
constexpr int64_t kSpanOfEqualBars = 32;

int64_t word_count(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    words += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return words;
}

// Numbers of one bucket are alike to a thousandth.
int64_t bucket_of(int64_t value) {
  const auto bits =
      static_cast<int>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(value, 0))));
  const int coarse = std::max(0, bits - 10);
  return value >> coarse << coarse;
}

// Reasons that differ in numbers and names alone are one: "line N: has N fields".
std::string kind_of_reason(const std::string& reason) {
  std::string kind;
  for (const char c : reason) {
    const bool is_digit = c >= '0' && c <= '9';
    if (c == '\'') break;
    if (!is_digit) kind += c;
    if (is_digit && !kind.ends_with('N')) kind += 'N';
  }
  return std::string(trim(kind));
}

std::string row_format(const Json& row) {
  const auto is_list = [&](const char* key) { return row.contains(key) && row[key].is_array(); };
  if (is_list("tokens") && is_list("tags")) return "ner";
  try {
    return format_name(detect_format(row, {}));
  } catch (const UserError&) {
    return "unknown";
  }
}

void count_value(KeyInspection& key, const std::string& text) {
  if (key.many_values) return;
  ++key.values[text];
  key.many_values = key.values.size() > kMostValues || text.size() > kLongestValue;
  if (key.many_values) key.values.clear();
}

void inspect_value(KeyInspection& key, const Json& value) {
  ++key.rows;
  ++key.types[type_name(value)];
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    key.characters.add(static_cast<int64_t>(character_count(text)));
    key.words.add(word_count(text));
    count_value(key, text);
  } else if (value.is_array()) {
    key.items.add(static_cast<int64_t>(value.size()));
  } else if (value.is_boolean() || value.is_number_integer()) {
    count_value(key, dump_json(value));
  }
}

// All strings of a row that a person reads, at any depth.
void collect_text(const Json& value, std::string& text) {
  if (value.is_string()) {
    if (!text.empty()) text += '\n';
    text += value.get_ref<const std::string&>();
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (key != "path" && key != "role" && key != "from") collect_text(member, text);
    }
  } else if (value.is_array()) {
    for (const auto& item : value) collect_text(item, text);
  }
}

class Inspector {
 public:
  explicit Inspector(const InspectOptions& options) : options_(options) {}

  Inspection inspect() {
    result_.report = for_each_source_row(
        options_.source, [this](SourceRow&& row) { use(std::move(row)); },
        [this](SetAside&& aside) { put_aside(std::move(aside)); });
    return std::move(result_);
  }

 private:
  void use(SourceRow&& row) {
    ++result_.row_formats[row_format(row.fields)];
    for (const auto& [name, value] : row.fields.items()) {
      const auto it = result_.keys.find(name);
      if (it == result_.keys.end() && result_.keys.size() == kMostKeys) continue;
      if (it == result_.keys.end()) result_.key_order.push_back(name);
      inspect_value(result_.keys[name], value);
    }
    inspect_text(row.fields);
    if (static_cast<int64_t>(result_.samples.size()) < options_.samples)
      result_.samples.push_back(std::move(row.fields));
  }

  void inspect_text(const Json& row) {
    std::string text;
    collect_text(row, text);
    result_.text_characters.add(static_cast<int64_t>(character_count(text)));
    result_.text_words.add(word_count(text));
    if (options_.hooks.language) ++result_.languages[options_.hooks.language(text)];
    if (options_.hooks.entities) {
      for (const auto& entity : options_.hooks.entities(text)) ++result_.entities[entity];
    }
    count_duplicate(row);
  }

  void count_duplicate(const Json& row) {
    if (!result_.duplicates_known) return;
    auto without_path = row;
    without_path.erase("path");
    if (!seen_.insert(fast_hash(dump_json(without_path))).second) ++result_.duplicates;
    result_.duplicates_known = seen_.size() < kMostHashes;
  }

  void put_aside(SetAside&& aside) {
    const auto kind = kind_of_reason(aside.reason);
    if (result_.set_aside_reasons.size() < kMostReasons || result_.set_aside_reasons.contains(kind))
      ++result_.set_aside_reasons[kind];
    if (result_.first_set_aside.size() < kMostShownAside)
      result_.first_set_aside.push_back(std::move(aside));
  }

  const InspectOptions& options_;
  Inspection result_;
  std::unordered_set<uint64_t> seen_;
};

}  // namespace

void Distribution::add(int64_t value) {
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  ++count_;
  ++counts_[bucket_of(value)];
}

int64_t Distribution::quantile(double share) const {
  const auto rank = static_cast<int64_t>(share * static_cast<double>(count_));
  int64_t below = 0;
  for (const auto& [value, count] : counts_) {
    below += count;
    if (below > rank) return std::clamp(value, min_, max_);
  }
  return max_;
}

std::vector<Distribution::Bar> Distribution::bars(int64_t most) const {
  std::vector<Bar> bars;
  if (count_ == 0) return bars;
  const bool doubling =
      max_ > kSpanOfEqualBars && max_ / std::max<int64_t>(min_, 1) > kSpanOfEqualBars;
  const auto width = (max_ - min_) / most + 1;
  for (int64_t from = min_; from <= max_;) {
    const auto next =
        doubling ? std::max(from + 1,
                            static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(from)) * 2))
                 : from + width;
    bars.push_back({.from = from, .to = std::min(next - 1, max_)});
    from = next;
  }
  for (const auto& [value, count] : counts_) {
    const auto at = std::clamp(value, min_, max_);
    auto bar = std::ranges::lower_bound(bars, at, {}, &Bar::to);
    bar->count += count;
  }
  // Doubling bars may be more than asked for: the first ones are joined.
  while (static_cast<int64_t>(bars.size()) > std::max<int64_t>(most, 1)) {
    bars[1].from = bars[0].from;
    bars[1].count += bars[0].count;
    bars.erase(bars.begin());
  }
  return bars;
}

Inspection inspect_source(const InspectOptions& options) { return Inspector(options).inspect(); }

std::string spark_line(const std::vector<Distribution::Bar>& bars) {
  constexpr std::array kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  int64_t highest = 1;
  for (const auto& bar : bars) highest = std::max(highest, bar.count);
  std::string line;
  for (const auto& bar : bars) {
    if (bar.count == 0) {
      line += ' ';
      continue;
    }
    const auto level = (bar.count * 8 - 1) / highest;
    line += kBlocks[static_cast<size_t>(std::clamp<int64_t>(level, 0, 7))];
  }
  return line;
}

}  // namespace tunewright::rows

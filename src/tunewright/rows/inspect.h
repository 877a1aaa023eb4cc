#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/rows/source.h"

// What a person wants to know of a source before using it.
namespace tunewright::rows {

// Counts of whole numbers in bounded memory: exact below 1024, above that to a thousandth.
class Distribution {
 public:
  void add(int64_t value);
  int64_t count() const { return count_; }
  int64_t min() const { return min_; }
  int64_t max() const { return max_; }
  // The value below which a `share` of all lie; 0.5: the median.
  int64_t quantile(double share) const;

  struct Bar {
    int64_t from = 0, to = 0;  // inclusive
    int64_t count = 0;
  };
  // At most `most` bars of about equal width, or of doubling width where the values span more than
  // a factor of 32.
  std::vector<Bar> bars(int64_t most) const;

 private:
  std::map<int64_t, int64_t> counts_;
  int64_t count_ = 0, min_ = 0, max_ = 0;
};

// What else can be found out about a text, by who knows how; each may be empty.
struct InspectHooks {
  std::function<std::string(std::string_view text)> language;               // "de"
  std::function<std::vector<std::string>(std::string_view text)> entities;  // {"EMAIL_ADDRESS"}
};

// Of one key of the rows.
struct KeyInspection {
  int64_t rows = 0;
  std::map<std::string, int64_t> types;
  Distribution characters, words;         // of strings
  Distribution items;                     // of lists
  std::map<std::string, int64_t> values;  // of short strings, while there are few
  bool many_values = false;
};

struct InspectOptions {
  SourceOptions source;
  int64_t samples = 2;
  InspectHooks hooks;
};

struct Inspection {
  SourceReport report;
  std::map<std::string, int64_t> row_formats;  // "messages", …, "unknown"
  std::vector<std::string> key_order;
  std::map<std::string, KeyInspection> keys;
  std::vector<Json> samples;
  std::vector<SetAside> first_set_aside;             // a few
  std::map<std::string, int64_t> set_aside_reasons;  // without their numbers and names
  Distribution text_characters, text_words;          // of all strings of a row
  std::map<std::string, int64_t> languages, entities;
  int64_t duplicates = 0;        // rows that say what an earlier one said, path aside
  bool duplicates_known = true;  // not beyond 50 million rows
};

// Reads a source once; errors as for_each_source_row.
Inspection inspect_source(const InspectOptions& options);

// "▁▂█▅": a column a bar.
std::string spark_line(const std::vector<Distribution::Bar>& bars);

}  // namespace tunewright::rows

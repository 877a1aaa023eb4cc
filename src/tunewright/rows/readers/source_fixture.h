#pragma once
// What tests of readers share.
#include <algorithm>
#include <string>
#include <vector>

#include "tunewright/base/str.h"
#include "tunewright/rows/readers/stream.h"
#include "tunewright/rows/source.h"

namespace tunewright::testing {

// A text in memory that comes in blocks of so many bytes.
class ByteTrickle : public rows::ByteStream {
 public:
  ByteTrickle(std::string_view left, size_t block) : left_(left), block_(block) {}
  size_t read(std::span<char> into) override {
    const auto count = left_.copy(into.data(), std::min(into.size(), block_));
    left_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view left_;
  size_t block_;
};

struct SourceRead {
  std::vector<Json> rows;
  std::vector<std::string> sources;
  std::vector<std::string> aside;  // "SOURCE #ROW: REASON"
  rows::SourceReport report;
};

inline SourceRead read_source(const rows::SourceOptions& options) {
  SourceRead read;
  read.report = for_each_source_row(
      options,
      [&](rows::SourceRow&& row) {
        read.rows.push_back(std::move(row.fields));
        read.sources.push_back(std::move(row.source));
      },
      [&](rows::SetAside&& aside) {
        read.aside.push_back(str(aside.source, " #", aside.row, ": ", aside.reason));
      });
  return read;
}

}  // namespace tunewright::testing

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/rows/readers/stream.h"

namespace tunewright::rows {

// Records of delimited text as RFC 4180 and Python's csv module ("excel" dialect) read them: quotes
// double inside quotes, which may span lines; what follows a closing quote belongs to the field.
class CsvRecords {
 public:
  CsvRecords(ByteStream& stream, char delimiter, int64_t limit)
      : stream_(stream), delimiter_(delimiter), limit_(limit) {}

  struct Record {
    std::vector<std::string> fields;
    std::string problem;  // why it could not be read; fields are empty then
    int64_t line = 0;     // where it begins, from 1
  };
  // Blank lines are passed over.  A record over the limit, and a quote that is never closed, take
  // one line away; reading goes on behind it.
  std::optional<Record> next();

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };
  enum class Scan { kRecord, kBlank, kNeedsMore };
  Scan scan(std::vector<std::string>& fields);
  bool fill();
  Record skip_line(std::string problem);
  void drop(size_t bytes);

  ByteStream& stream_;
  char delimiter_;
  int64_t limit_;
  std::string buffer_;
  size_t begin_ = 0;  // of the next record
  size_t end_ = 0;    // of the record that scan() found
  int64_t line_ = 1;
  bool at_end_ = false;
};

// The delimiter (, ; tab |) that cuts the first lines into most columns of equal number.
char detect_delimiter(std::string_view begin, bool whole);

}  // namespace tunewright::rows

#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tunewright/base/spool.h"
#include "tunewright/data/batch.h"
#include "tunewright/data/render.h"

namespace tunewright::data {

// Examples in the order in which they were added.  Their tokens lie in a file, 4 bytes each; in
// memory are 32 bytes an example, whatever its length.  Reading is thread-safe while nobody adds.
class ExampleStore {
 public:
  ExampleStore() : ExampleStore(Spool::in_memory()) {}
  explicit ExampleStore(Spool tokens) : tokens_(std::move(tokens)) {}
  // What save_index() left; a broken index is a UserError.
  static ExampleStore open(Spool tokens, const Spool& index);

  // A label must be the token's own id or kIgnoreLabel.
  void push_back(const Example& example);
  Example operator[](size_t i) const;

  size_t size() const { return entries_.size(); }
  int64_t length(size_t i) const { return entries_[i].length; }
  int64_t supervised(size_t i) const { return entries_[i].supervised; }
  int64_t file(size_t i) const { return entries_[i].file; }
  int64_t tokens() const { return token_count_; }
  int64_t supervised_tokens() const { return supervised_count_; }

  void save_index(Spool& index);  // and flushes the tokens
  const Spool& token_file() const { return tokens_; }

 private:
  struct Entry {
    int64_t begin =
        0;  // in words of 4 bytes: `length` ids, then, where `weighted`, as many weights
    int64_t row = 0;
    int32_t length = 0;
    int32_t supervised = 0;
    int32_t file = 0;
    int32_t weighted = 0;
  };
  void add(const Entry& entry);

  Spool tokens_;
  std::vector<Entry> entries_;
  int64_t token_count_ = 0, supervised_count_ = 0;
};

// Ledger lines, as the text of ledger.jsonl in a file; in memory is a number every 64 lines.
class Ledger {
 public:
  Ledger() : Ledger(Spool::in_memory()) {}
  explicit Ledger(Spool lines) : lines_(std::move(lines)) {}
  static Ledger open(Spool lines);

  void push_back(const LedgerLine& line);
  LedgerLine at(size_t i) const;
  LedgerLine operator[](size_t i) const { return at(i); }
  size_t size() const { return size_; }

  Spool& text() { return lines_; }
  const Spool& text() const { return lines_; }

 private:
  void count_line(int64_t begin);
  Spool lines_;
  std::vector<int64_t> begins_;  // of every 64th line
  size_t size_ = 0;
};

}  // namespace tunewright::data

#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "tunewright/base/spool.h"
#include "tunewright/corpus/build/shard.h"

namespace tunewright::corpus {

// A source row by the name it has outside.
struct RowName {
  std::string source;
  int64_t row = 0;
};

// The names of the source rows of a build, by their numbers.  They lie on disk: there may be as
// many files as rows.
class RowNames {
 public:
  explicit RowNames(const std::filesystem::path& scratch)
      : sources_(Spool::unnamed_in(scratch)), rows_(Spool::unnamed_in(scratch)) {}

  // Names the rows that come next.
  void add(const SourceRun& run);
  // Thread-safe while nobody adds.
  RowName operator[](int64_t origin) const;
  int64_t size() const;

 private:
  struct Place {
    int64_t source = 0;  // where its size and its bytes stand in sources_
    int64_t row = 0;
  };

  Spool sources_, rows_;
  std::string last_source_;
  int64_t last_place_ = 0;
};

}  // namespace tunewright::corpus

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/rows/readers/stream.h"

namespace tunewright::rows {

// Cuts JSON text into its rows without holding it: the elements of a list at the top, or of the
// list that `path` leads to through objects; what stands at the top, one value after the other,
// where there is no list.  Only brackets and strings are looked at: whether a row is JSON is for
// its parser to say.
class JsonValues {
 public:
  JsonValues(ByteStream& stream, std::vector<std::string> path, int64_t limit)
      : stream_(stream), path_(std::move(path)), limit_(limit) {}

  struct Value {
    std::string text;  // empty where it was too long
    bool too_long = false;
  };
  // Text that ends inside a value, and a path that leads nowhere, are UserErrors without place.
  std::optional<Value> next();

 private:
  static constexpr int kEnd = -1;

  int look();  // the next byte, not taken
  void take() { ++at_; }
  int look_past_space();
  void begin();
  void enter(const std::string& key);
  Value scan();
  bool ends_value(int byte, int64_t depth) const;

  ByteStream& stream_;
  std::vector<std::string> path_;
  int64_t limit_;
  std::string buffer_;
  size_t at_ = 0;
  bool begun_ = false, in_list_ = false, done_ = false;
};

}  // namespace tunewright::rows

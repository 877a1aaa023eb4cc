#include "tunewright/model/generate/stop_strings.h"

#include <algorithm>

#include "tunewright/base/error.h"

namespace tunewright::model {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const auto& stop : stops_) {
    if (stop.empty()) throw UserError("stop: a stop string has no characters");
  }
}

// Bytes at the end of `text` that are the beginning of a stop string.
size_t StopStrings::open_match(std::string_view text) const {
  size_t longest = 0;
  for (const std::string_view stop : stops_) {
    for (size_t size = std::min(stop.size() - 1, text.size()); size > longest; --size) {
      if (text.ends_with(stop.substr(0, size))) longest = size;
    }
  }
  return longest;
}

std::string StopStrings::put(std::string_view piece) {
  if (found_) return "";
  held_ += piece;
  size_t first_end = std::string::npos, begin = 0;
  for (const auto& stop : stops_) {
    const auto at = held_.find(stop);
    if (at == std::string::npos) continue;
    const auto end = at + stop.size();
    if (first_end == std::string::npos || end < first_end || (end == first_end && at < begin)) {
      first_end = end;
      begin = at;
    }
  }
  found_ = first_end != std::string::npos;
  const auto safe = found_ ? begin : held_.size() - open_match(held_);
  std::string text = held_.substr(0, safe);
  held_.erase(0, found_ ? held_.size() : safe);
  return text;
}

std::string StopStrings::finish() {
  std::string rest;
  std::swap(rest, held_);
  return rest;
}

}  // namespace tunewright::model

#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/pii/entity.h"

namespace tunewright::corpus::pii {

// Offsets of a text in code points and in bytes, as annotations of other programs count them.
class CharacterOffsets {
 public:
  explicit CharacterOffsets(std::string_view text);
  size_t to_characters(size_t byte) const;
  size_t size() const { return starts_.size() - 1; }  // characters

 private:
  std::vector<size_t> starts_;  // of each character, and the end
};

// [{"entity":"EMAIL_ADDRESS","start":3,"end":17,"score":1.0}, …] in code points.
Json findings_json(std::string_view text, std::span<const Finding> findings);

// How well findings meet spans that are known to be right: exact borders and entity.
class Scorecard {
 public:
  // `truth`: as findings_json writes it, without need for scores.  A wrong form is a UserError.
  // Entities that are not in `judged` do not count.
  void add(std::string_view text, std::span<const Finding> findings, const Json& truth,
           const EntitySet& judged);
  void add(const Scorecard& other);
  // {"EMAIL_ADDRESS":{"precision":…,"recall":…,"f1":…,"true":n,"found":n,"right":n}, …}
  Json json() const;
  bool empty() const { return texts_ == 0; }

 private:
  struct Counts {
    int64_t truth = 0, found = 0, right = 0;
  };
  std::array<Counts, kEntityCount> counts_{};
  int64_t texts_ = 0;
};

}  // namespace tunewright::corpus::pii

#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// A character n-gram model: counts of up to five characters, each order smoothed by the one below
// (p_k = (count + a p_{k-1}) / (context + a), as of MacKay and Peto).  Counts live in tables of
// fixed size, so memory does not grow; n-grams that meet there are counted as one.
class CharacterModel {
 public:
  CharacterModel();

  void add(std::string_view text);
  void add(const CharacterModel& other);

  // A character; infinity for an empty text.  `leave_out`: as if the text had not been added, which
  // it must have been, so that a text is not usual for having been seen.
  double perplexity(std::string_view text, bool leave_out) const;

 private:
  template <class Use>
  static void for_each_character(std::string_view text, Use&& use);

  std::vector<uint32_t> counts_;
  uint64_t total_ = 0;
};

}  // namespace tunewright::corpus

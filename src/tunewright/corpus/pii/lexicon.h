#pragma once
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "tunewright/corpus/pii/detector.h"

namespace tunewright::corpus::pii {

// Names from a file, a line a name: "PERSON<tab>Mary Ann", "LOCATION<tab>New York", or a name
// alone, which is a PERSON; lines that begin with '#' are comments.
//
// Whole words that begin with a capital, the longest name first.  A name alone scores 0.5, at the
// beginning of a sentence, where each word has a capital, 0.3.  Names of people that follow each
// other, and the capitalised word after one ("Mary Xu"), are one finding of 0.85 or 0.7.
class Lexicon final : public NameFinder {
 public:
  explicit Lexicon(const std::filesystem::path& path);
  std::vector<Finding> find(std::string_view text) const override;
  size_t size() const { return size_; }

 private:
  struct Name {
    std::string text;
    Entity entity;
  };
  const Name* name_at(std::string_view text, size_t begin, size_t end) const;
  void insert(Name name);

  std::unordered_map<std::string, std::vector<Name>> by_first_word_;  // longest first
  size_t size_ = 0;
};

}  // namespace tunewright::corpus::pii

#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/corpus/word_spans.h"

namespace tunewright::corpus {

// Words that name members of one group, each with its counterpart in another: what counts whom a
// text speaks of, and turns it round.
class GroupWords {
 public:
  // Two groups, `male` and `female`: pronouns, kinship, titles, occupations and common first names
  // of English.
  static GroupWords english_gender();

  // A line `group: word = group: word` a pair ("young: teenager = old: pensioner"); empty ones and
  // those that begin with # are left out.  Anything else is a UserError with its line.
  static GroupWords read(const std::filesystem::path& path);

  const std::vector<std::string>& groups() const { return groups_; }

  // The group of a word in lower case; none where it is no group's.
  std::optional<size_t> group_of(const std::string& lower) const;

  // The text with each group word replaced by its counterpart, capitals kept; none where it has no
  // such word.
  std::optional<std::string> swapped(std::string_view text) const;

 private:
  struct Entry {
    size_t group = 0;
    std::string counterpart;
  };
  void add(const std::string& group, const std::string& word, const std::string& other_group,
           const std::string& other);
  void add_one(const std::string& group, const std::string& word, const std::string& counterpart);
  std::string counterpart_at(std::string_view text, const std::vector<WordSpan>& words,
                             size_t i) const;

  bool english_ = false;  // his, her and him need a look at the next word
  std::vector<std::string> groups_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace tunewright::corpus

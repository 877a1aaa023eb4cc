#pragma once
#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/base/files.h"

namespace tunewright::metrics {

// Synonyms out of a WordNet database (index.*, data.* and *.exc of Debian's wordnet-base; format:
// wndb(5WN)), found in the mapped files without reading them first.
class WordNet {
 public:
  // A missing file is a UserError that names it.
  explicit WordNet(const std::filesystem::path& folder);

  // The single words (as WordNet spells them) of every sense of the word in any part of speech, and
  // of its base forms as WordNet's morphy finds them.
  std::set<std::string> synonyms(const std::string& word) const;

 private:
  // A part of speech.
  struct Part {
    MappedFile index, data;
    std::unordered_map<std::string, std::vector<std::string>> exceptions;
  };
  std::vector<Part> parts_;
};

}  // namespace tunewright::metrics

#include "tunewright/corpus/audit/phrases.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {

Phrases::Phrases(std::span<const std::string> phrases) {
  for (size_t i = 0; i < phrases.size(); ++i) {
    std::string key;
    const auto words = word_spans(phrases[i]);
    if (words.empty()) continue;
    for (const auto& word : words) (key += key.empty() ? "" : " ") += word.lower;
    places_.try_emplace(key, i);
    auto& longest = longest_[words.front().lower];
    longest = std::max(longest, words.size());
  }
}

std::vector<std::string> Phrases::read_lines(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  LineReader reader(path);
  while (const auto line = reader.next()) {
    const auto trimmed = trim(*line);
    if (trimmed.empty() || trimmed.front() == '#') continue;
    if (!text::is_valid_utf8(trimmed))
      throw UserError(str(path.string(), ": not valid UTF-8: ", excerpt(trimmed)));
    lines.emplace_back(trimmed);
  }
  if (lines.empty())
    throw UserError(str(path.string(), ": holds no word; expected a word or phrase a line"));
  return lines;
}

std::vector<Phrases::Match> Phrases::find(const std::vector<WordSpan>& words) const {
  std::vector<Match> matches;
  for (size_t i = 0; i < words.size();) {
    const auto first = longest_.find(words[i].lower);
    Match best;
    if (first != longest_.end()) {
      std::string key;
      for (size_t n = 1; n <= first->second && i + n <= words.size(); ++n) {
        (key += key.empty() ? "" : " ") += words[i + n - 1].lower;
        const auto place = places_.find(key);
        if (place != places_.end()) best = {place->second, i, n};
      }
    }
    if (best.count > 0) matches.push_back(best);
    i += std::max<size_t>(best.count, 1);
  }
  return matches;
}

}  // namespace tunewright::corpus

#include "tunewright/corpus/pii/lexicon.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/name_words.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus::pii {
namespace {

constexpr double kAlone = 0.5, kAtSentenceStart = 0.3, kWithWord = 0.7, kWithName = 0.85;

bool starts_sentence(std::string_view text, size_t begin) {
  while (begin > 0 && one_of(" \t\"'(", text[begin - 1])) --begin;
  return begin == 0 || one_of(".!?\n\r:", text[begin - 1]);
}

}  // namespace

Lexicon::Lexicon(const std::filesystem::path& path) {
  const auto content = read_file(path);
  int64_t number = 0;
  for (const auto& raw : split(content, '\n')) {
    ++number;
    const auto line = trim(raw);
    if (line.empty() || line[0] == '#') continue;
    if (!text::is_valid_utf8(line))
      throw UserError(str(path.string(), ": line ", number, ": not UTF-8"));
    const auto tab = line.find('\t');
    const auto kind = tab == std::string_view::npos ? "PERSON" : trim(line.substr(0, tab));
    if (kind != "PERSON" && kind != "LOCATION")
      throw UserError(str(path.string(), ": line ", number, ": '", excerpt(kind),
                          "' before the tab; PERSON or LOCATION is meant"));
    const auto name = tab == std::string_view::npos ? line : trim(line.substr(tab + 1));
    if (name.empty()) continue;
    insert({std::string(name), kind == "PERSON" ? Entity::kPerson : Entity::kLocation});
  }
  if (size_ == 0) throw UserError(str(path.string(), ": no name in it; a line a name is expected"));
}

void Lexicon::insert(Name name) {
  auto& names = by_first_word_[name.text.substr(0, name_word_end(name.text, 0))];
  const auto longer = [&](const Name& other) { return other.text.size() >= name.text.size(); };
  names.insert(std::ranges::find_if_not(names, longer), std::move(name));
  ++size_;
}

const Lexicon::Name* Lexicon::name_at(std::string_view text, size_t begin, size_t end) const {
  const auto it = by_first_word_.find(std::string(text.substr(begin, end - begin)));
  if (it == by_first_word_.end()) return nullptr;
  for (const auto& name : it->second) {
    if (text.substr(begin, name.text.size()) == name.text &&
        !is_word_at(text, begin + name.text.size()))
      return &name;
  }
  return nullptr;
}

std::vector<Finding> Lexicon::find(std::string_view text) const {
  std::vector<Finding> findings;
  for (size_t i = 0; i < text.size();) {
    if (!is_word_at(text, i)) {
      i = gap_end(text, i);
      continue;
    }
    const size_t end = name_word_end(text, i);
    const auto word = text.substr(i, end - i);
    const auto* name = has_capital(word) ? name_at(text, i, end) : nullptr;
    const bool follows = !findings.empty() && findings.back().end + 1 == i && text[i - 1] == ' ' &&
                         findings.back().entity == Entity::kPerson;
    const size_t stop = name != nullptr ? i + name->text.size() : end;
    if (follows && (name == nullptr || name->entity == Entity::kPerson) && has_capital(word) &&
        (name != nullptr || findings.back().score < kWithWord)) {
      findings.back().end = stop;
      findings.back().score = name != nullptr ? kWithName : kWithWord;
    } else if (name != nullptr) {
      findings.push_back(
          {i, stop, name->entity, starts_sentence(text, i) ? kAtSentenceStart : kAlone});
    }
    i = stop;
  }
  return findings;
}

}  // namespace tunewright::corpus::pii

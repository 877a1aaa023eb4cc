#include "tunewright/corpus/augment/wordnet.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

constexpr std::array kParts = {"noun", "verb", "adj", "adv"};

// The fields of a line, one after the other; none where the line ends too early.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::optional<std::string_view> text() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    const auto field = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(field.size());
    return field.empty() ? std::nullopt : std::optional(field);
  }
  std::optional<int64_t> number(int base = 10) {
    const auto field = text();
    int64_t value = 0;
    if (!field) return std::nullopt;
    const auto* end = field->data() + field->size();
    const auto result = std::from_chars(field->data(), end, value, base);
    if (result.ec != std::errc() || result.ptr != end || value < 0) return std::nullopt;
    return value;
  }
  bool skip(int64_t count) {
    for (; count > 0; --count) {
      if (!text()) return false;
    }
    return true;
  }

 private:
  std::string_view rest_;
};

// A line of index.*: lemma pos synsets pointers [pointer]... senses tagged offset...
struct IndexLine {
  std::string_view lemma;
  int64_t tagged = 0, first_offset = 0;
};
std::optional<IndexLine> parse_index(std::string_view line) {
  Fields fields(line);
  const auto lemma = fields.text();
  if (!lemma || !fields.skip(2)) return std::nullopt;
  const auto pointers = fields.number();
  if (!pointers || !fields.skip(*pointers + 1)) return std::nullopt;
  const auto tagged = fields.number(), offset = fields.number();
  if (!tagged || !offset || *offset > INT32_MAX) return std::nullopt;
  return IndexLine{*lemma, *tagged, *offset};
}

// The words of a line of data.*: offset file type count(hexadecimal) [word id]...
std::optional<std::vector<std::string_view>> parse_synset(std::string_view line) {
  Fields fields(line);
  if (!fields.skip(3)) return std::nullopt;
  const auto count = fields.number(16);
  if (!count) return std::nullopt;
  std::vector<std::string_view> words;
  for (int64_t i = 0; i < *count; ++i) {
    const auto word = fields.text();
    if (!word || !fields.skip(1)) return std::nullopt;
    words.push_back(*word);
  }
  return words;
}

bool is_single_word(std::string_view word) {
  return std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

WordNet::WordNet(const std::filesystem::path& folder) {
  if (!fs::is_directory(folder)) {
    throw UserError(str(folder.string(), ": is no folder; expected one with WordNet's index.noun, ",
                        "data.noun and so on (Debian: /usr/share/wordnet of wordnet-base)"));
  }
  for (uint32_t file = 0; file < kParts.size(); ++file) {
    data_.emplace_back(folder / str("data.", kParts[file]));
    read_index(folder / str("index.", kParts[file]), file);
  }
}

void WordNet::read_index(const std::filesystem::path& path, uint32_t file) {
  LineReader reader(path);
  for (int64_t number = 1; const auto line = reader.next(); ++number) {
    if (line->empty() || line->front() == ' ') continue;  // the licence at the top
    const auto parsed = parse_index(*line);
    if (!parsed) {
      throw UserError(str(path.string(), ": line ", number,
                          ": not an index line of WordNet: ", excerpt(*line)));
    }
    if (!is_single_word(parsed->lemma)) continue;
    const Sense sense{file, static_cast<uint32_t>(parsed->first_offset), parsed->tagged};
    const auto [it, fresh] = senses_.try_emplace(std::string(parsed->lemma), sense);
    if (!fresh && sense.uses > it->second.uses) it->second = sense;
  }
}

std::vector<std::string> WordNet::synonyms(std::string_view word) const {
  const auto it = senses_.find(std::string(word));
  if (it == senses_.end()) return {};
  const auto text = data_[it->second.file].text();
  const auto begin = std::min<size_t>(it->second.offset, text.size());
  const auto words = parse_synset(text.substr(begin, text.find('\n', begin) - begin));
  if (!words) {
    throw UserError(str(data_[it->second.file].path().string(), ": no set of synonyms at byte ",
                        it->second.offset, " for '", word, "'; the index is of another version"));
  }
  std::vector<std::string> synonyms;
  for (const auto synonym : *words) {
    if (synonym != word && is_single_word(synonym)) synonyms.emplace_back(synonym);
  }
  return synonyms;
}

}  // namespace tunewright::corpus

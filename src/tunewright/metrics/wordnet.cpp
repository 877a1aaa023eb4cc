#include "tunewright/metrics/wordnet.h"

#include <charconv>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::metrics {
namespace {

struct Ending {
  std::string_view old, by;
};
struct PartOfSpeech {
  const char* name;
  std::vector<Ending> endings;  // how morphy finds base forms
};
const std::vector<PartOfSpeech>& parts_of_speech() {
  static const std::vector<PartOfSpeech> kParts = {
      {"noun",
       {{"s", ""},
        {"ses", "s"},
        {"ves", "f"},
        {"xes", "x"},
        {"zes", "z"},
        {"ches", "ch"},
        {"shes", "sh"},
        {"men", "man"},
        {"ies", "y"}}},
      {"verb",
       {{"s", ""},
        {"ies", "y"},
        {"es", "e"},
        {"es", ""},
        {"ed", "e"},
        {"ed", ""},
        {"ing", "e"},
        {"ing", ""}}},
      {"adj", {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}}},
      {"adv", {}}};
  return kParts;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (line.empty()) return fields;
    fields.push_back(line.substr(0, line.find(' ')));
    line.remove_prefix(fields.back().size());
  }
}

std::string_view line_at(std::string_view text, size_t begin) {
  return text.substr(begin, text.find('\n', begin) - begin);
}

size_t line_begin(std::string_view text, size_t at) {
  const auto newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return newline == std::string_view::npos ? 0 : newline + 1;
}

// The line of a lemma; the lines are in the order of their bytes.
std::optional<std::string_view> index_line(std::string_view index, std::string_view lemma) {
  size_t low = 0, high = index.size();  // beginnings of lines
  while (low < high) {
    const auto begin = line_begin(index, low + (high - low) / 2);
    const auto line = line_at(index, begin);
    const auto order = line.substr(0, line.find(' ')).compare(lemma);
    if (order == 0 && !line.starts_with(' ')) return line;
    if (order < 0) {
      low = begin + line.size() + 1;
    } else {
      high = begin;
    }
  }
  return std::nullopt;
}

std::optional<size_t> number(std::string_view field, int base = 10) {
  size_t value = 0;
  const auto* end = field.data() + field.size();
  const auto result = std::from_chars(field.data(), end, value, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

[[noreturn]] void fail_format(const MappedFile& file, std::string_view line) {
  throw UserError(str(file.path().string(), ": is not in WordNet's format: ", excerpt(line)));
}

// lemma pos synsets pointers [pointer]... senses tagged offset...
std::vector<size_t> offsets(const MappedFile& index, std::string_view line) {
  const auto fields = fields_of(line);
  const auto pointers = fields.size() > 3 ? number(fields[3]) : std::nullopt;
  if (!pointers || fields.size() < *pointers + 6) fail_format(index, line);
  std::vector<size_t> found;
  for (size_t i = *pointers + 6; i < fields.size(); ++i) {
    const auto offset = number(fields[i]);
    if (!offset) fail_format(index, line);
    found.push_back(*offset);
  }
  return found;
}

// offset file type words(hexadecimal) [word id]...; an adjective may end with (a), (p) or (ip).
void add_single_words(const MappedFile& data, size_t offset, std::set<std::string>& out) {
  const auto line = offset < data.text().size() ? line_at(data.text(), offset) : "";
  const auto fields = fields_of(line.substr(0, line.find('|')));
  const auto words = fields.size() > 3 ? number(fields[3], 16) : std::nullopt;
  if (!words || fields.size() < 4 + 2 * *words) fail_format(data, line);
  for (size_t i = 0; i < *words; ++i) {
    const auto word = fields[4 + 2 * i];
    const auto name = word.ends_with(')') ? word.substr(0, word.find('(')) : word;
    if (name.find('_') == std::string_view::npos) out.emplace(name);
  }
}

std::unordered_map<std::string, std::vector<std::string>> read_exceptions(
    const std::filesystem::path& path) {
  std::unordered_map<std::string, std::vector<std::string>> exceptions;
  LineReader lines(path);
  while (const auto line = lines.next()) {
    const auto fields = fields_of(*line);
    if (fields.empty()) continue;
    exceptions[std::string(fields[0])] = {fields.begin() + 1, fields.end()};
  }
  return exceptions;
}

}  // namespace

WordNet::WordNet(const std::filesystem::path& folder) {
  for (const auto& part : parts_of_speech()) {
    parts_.push_back({.index = MappedFile(folder / str("index.", part.name)),
                      .data = MappedFile(folder / str("data.", part.name)),
                      .exceptions = read_exceptions(folder / str(part.name, ".exc"))});
  }
}

std::set<std::string> WordNet::synonyms(const std::string& word) const {
  std::set<std::string> found;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const auto& part = parts_[i];
    std::vector<std::string> forms = {word};
    if (const auto known = part.exceptions.find(word); known != part.exceptions.end()) {
      forms.insert(forms.end(), known->second.begin(), known->second.end());
    } else {
      for (const auto& [old, by] : parts_of_speech()[i].endings) {
        if (word.ends_with(old))
          forms.push_back(word.substr(0, word.size() - old.size()).append(by));
      }
    }
    for (const auto& form : forms) {
      const auto line = form.empty() ? std::nullopt : index_line(part.index.text(), form);
      if (!line) continue;
      for (const auto offset : offsets(part.index, *line))
        add_single_words(part.data, offset, found);
    }
  }
  return found;
}

}  // namespace tunewright::metrics

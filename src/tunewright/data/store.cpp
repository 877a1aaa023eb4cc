#include "tunewright/data/store.h"

#include <algorithm>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::data {
namespace {

// Ids are not negative, so the topmost bit of a word is free to say that the token is supervised.
constexpr uint32_t kSupervised = 1U << 31;
constexpr int64_t kWord = sizeof(uint32_t);
constexpr size_t kLinesApart = 64;

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

template <class T>
void read_words(const Spool& spool, int64_t begin, std::vector<T>& into) {
  static_assert(sizeof(T) == kWord);
  spool.read(begin * kWord, {reinterpret_cast<char*>(into.data()), into.size() * sizeof(T)});
}

LedgerLine parse_ledger_line(std::string_view text) {
  const auto json = parse_json(text, "a line of the ledger");
  return {.source = json["source"],
          .row = json["row"],
          .decision = json["decision"],
          .reason = json["reason"],
          .tokens = json["tokens"],
          .supervised_tokens = json["supervised_tokens"]};
}

}  // namespace

void ExampleStore::add(const Entry& entry) {
  entries_.push_back(entry);
  token_count_ += entry.length;
  supervised_count_ += entry.supervised;
}

void ExampleStore::push_back(const Example& example) {
  TUNEWRIGHT_ASSERT(example.labels.size() == example.ids.size());
  std::vector<uint32_t> words(example.ids.size());
  for (size_t i = 0; i < words.size(); ++i) {
    TUNEWRIGHT_ASSERT(example.ids[i] >= 0);
    const bool supervised = example.labels[i] != kIgnoreLabel;
    TUNEWRIGHT_ASSERT(!supervised || example.labels[i] == example.ids[i]);
    words[i] = static_cast<uint32_t>(example.ids[i]) | (supervised ? kSupervised : 0);
  }
  const auto begin = tokens_.size() / kWord;
  tokens_.append(bytes_of(words));
  tokens_.append(bytes_of(example.weights));
  add({.begin = begin,
       .row = example.row,
       .length = static_cast<int32_t>(words.size()),
       .supervised = static_cast<int32_t>(example.supervised_tokens()),
       .file = static_cast<int32_t>(example.file),
       .weighted = example.weights.empty() ? 0 : 1});
}

Example ExampleStore::operator[](size_t i) const {
  const auto& entry = entries_.at(i);
  const auto length = static_cast<size_t>(entry.length);
  std::vector<uint32_t> words(length);
  read_words(tokens_, entry.begin, words);
  Example example{.row = entry.row, .file = entry.file};
  example.ids.resize(length);
  example.labels.resize(length);
  for (size_t k = 0; k < length; ++k) {
    example.ids[k] = static_cast<int32_t>(words[k] & ~kSupervised);
    example.labels[k] = (words[k] & kSupervised) != 0 ? example.ids[k] : kIgnoreLabel;
  }
  if (entry.weighted != 0) {
    example.weights.resize(length);
    read_words(tokens_, entry.begin + entry.length, example.weights);
  }
  return example;
}

void ExampleStore::save_index(Spool& index) {
  tokens_.flush();
  index.append(bytes_of(entries_));
  index.flush();
}

ExampleStore ExampleStore::open(Spool tokens, const Spool& index) {
  if (index.size() % static_cast<int64_t>(sizeof(Entry)) != 0)
    throw UserError(str("an index of examples has ", index.size(), " bytes; it was cut off"));
  ExampleStore store(std::move(tokens));
  std::vector<Entry> entries(static_cast<size_t>(index.size()) / sizeof(Entry));
  index.read(0, {reinterpret_cast<char*>(entries.data()), entries.size() * sizeof(Entry)});
  store.entries_.reserve(entries.size());
  for (const auto& entry : entries) store.add(entry);
  return store;
}

void Ledger::count_line(int64_t begin) {
  if (size_++ % kLinesApart == 0) begins_.push_back(begin);
}

void Ledger::push_back(const LedgerLine& line) {
  count_line(lines_.size());
  lines_.append(dump_json(to_json(line)) + "\n");
}

LedgerLine Ledger::at(size_t i) const {
  if (i >= size_) throw InternalError(str("ledger line ", i, " of ", size_));
  const auto group = i / kLinesApart;
  const auto begin = begins_[group];
  const auto end = group + 1 < begins_.size() ? begins_[group + 1] : lines_.size();
  std::string text(static_cast<size_t>(end - begin), '\0');
  lines_.read(begin, text);
  std::string_view rest = text;
  for (size_t skip = i % kLinesApart; skip > 0; --skip) rest.remove_prefix(rest.find('\n') + 1);
  return parse_ledger_line(rest.substr(0, rest.find('\n')));
}

Ledger Ledger::open(Spool lines) {
  Ledger ledger(std::move(lines));
  int64_t line_begin = 0, offset = 0;
  ledger.lines_.for_each_chunk([&](std::string_view chunk) {
    for (size_t at = chunk.find('\n'); at != chunk.npos; at = chunk.find('\n', at + 1)) {
      ledger.count_line(line_begin);
      line_begin = offset + static_cast<int64_t>(at) + 1;
    }
    offset += static_cast<int64_t>(chunk.size());
  });
  return ledger;
}

}  // namespace tunewright::data

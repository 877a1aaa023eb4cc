#include "tunewright/corpus/filters/decontaminate.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/word_rule.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/rows/rows.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

// Runs by their hash: 64 bits, so that two different ones of a million meet once in 10^7 trials.
class WordHashes {
 public:
  explicit WordHashes(std::span<const std::string> words) {
    for (const auto& word : words) {
      (joined_ += word) += ' ';
      ends_.push_back(joined_.size());
    }
  }
  int64_t words() const { return std::ssize(ends_); }
  std::string_view run(int64_t begin, int64_t count) const {
    const auto from = begin == 0 ? 0 : ends_[static_cast<size_t>(begin - 1)];
    return std::string_view(joined_).substr(
        from, ends_[static_cast<size_t>(begin + count - 1)] - 1 - from);
  }
  uint64_t hash(int64_t begin, int64_t count) const { return fast_hash(run(begin, count)); }

 private:
  std::string joined_;
  std::vector<size_t> ends_;
};

WordHashes hashes_of(const Document& document) {
  std::vector<std::string> words;
  append_plain_words(document.text(), words);
  return WordHashes(words);
}

// An underscore parts no words, and is none: it is punctuation, as everywhere in Unicode.
bool is_left_out(char32_t point) {
  constexpr std::string_view kAsciiSymbols = "$+<=>^`|~";
  if (point < 0x80 && kAsciiSymbols.find(static_cast<char>(point)) != std::string_view::npos)
    return true;
  return (flags_of(point) & kPunctuation) != 0;
}

}  // namespace

void append_plain_words(std::string_view text, std::vector<std::string>& words) {
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (size_t at = 0; at < text.size();) {
    const auto [point, size] = text::code_point_at(text, at);
    at += size;
    if ((flags_of(point) & kSpace) != 0) {
      end_word();
    } else if (point >= 'A' && point <= 'Z') {
      word += static_cast<char>(point | 0x20);
    } else if (!is_left_out(point)) {
      if (point < 0x80) {
        word += static_cast<char>(point);
      } else {
        text::append_lowercase(word, point);
      }
    }
  }
  end_word();
}

Decontaminate::Decontaminate(const DecontaminateOptions& options) : options_(options) {
  if (options.against.empty())
    throw UserError("against: is missing; name the evaluation files (against=[\"test.jsonl\"])");
  if (options.ngram < 1) throw UserError(str("ngram: ", options.ngram, " is less than 1"));
  for (uint32_t file = 0; file < options.against.size(); ++file) read_file(file);
}

void Decontaminate::read_file(uint32_t file) {
  const auto& path = options_.against[file];
  if (!fs::exists(path)) throw UserError(str("against: ", path, ": no such file"));
  int64_t row = 0;
  rows::for_each_raw_row(path, [&](rows::RawRow&& raw) {
    Document document = [&] {
      try {
        return Document::parse(std::move(raw.text));
      } catch (const UserError& error) {
        // A row that cannot be compared could hide a leak: that is no warning.
        throw UserError(str(path, ": row ", row, ": ", error.what()));
      }
    }();
    const auto hashes = hashes_of(document);
    const auto count = std::min(options_.ngram, hashes.words());
    ++evaluation_rows_;
    if (count < options_.ngram && (count < options_.min_words || options_.min_words == 0)) {
      ++short_rows_;
    } else {
      auto it = std::ranges::find(runs_, count, [](const auto& runs) { return runs.first; });
      if (it == runs_.end()) it = runs_.insert(runs_.end(), {count, Runs{}});
      for (int64_t i = 0; i + count <= hashes.words(); ++i)
        it->second.try_emplace(hashes.hash(i, count), Source{file, row});
    }
    ++row;
  });
}

Verdict Decontaminate::judge(Document& document, int64_t /*row*/) const {
  const auto hashes = hashes_of(document);
  for (const auto& [count, runs] : runs_) {
    for (int64_t i = 0; i + count <= hashes.words(); ++i) {
      const auto it = runs.find(hashes.hash(i, count));
      if (it == runs.end()) continue;
      return dropped(str("contaminated by ", options_.against[it->second.file], " row ",
                         it->second.row, ": \"", hashes.run(i, count), "\""));
    }
  }
  return {};
}

Json Decontaminate::summary() const {
  int64_t runs = 0;
  for (const auto& [count, of_count] : runs_) runs += std::ssize(of_count);
  return {{"evaluation_rows", evaluation_rows_},
          {"evaluation_rows_too_short", short_rows_},
          {"evaluation_runs", runs}};
}

}  // namespace tunewright::corpus

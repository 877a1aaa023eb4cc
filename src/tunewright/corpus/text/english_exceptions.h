#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tunewright::corpus {

// Words that spaCy's English tokenizer knows by heart, each with its pieces: "can't" is "ca" and
// "n't", ":-)" is one.
class EnglishExceptions {
 public:
  static const EnglishExceptions& get();

  // The sizes in bytes of the word's pieces; empty: the word is none of them.
  std::span<const uint8_t> pieces(std::string_view word) const;

  // Exceptions that the rules for affixes cut apart: sequences of tokens that are put together
  // again where they stand in a row.  None begins with this token: null.
  using Sequences = std::vector<std::vector<std::string>>;
  const Sequences* sequences_from(std::string_view token) const;

 private:
  EnglishExceptions();
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class Value>
  using Map = std::unordered_map<std::string, Value, Hash, std::equal_to<>>;

  void add(std::string_view pieces, char separator = '|');
  void find_sequences();

  Map<std::vector<uint8_t>> pieces_;
  Map<Sequences> sequences_;
  size_t longest_ = 0;
};

}  // namespace tunewright::corpus

#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tunewright::corpus {

// The words of English text as datatrove's filters count them: the tokens of spaCy 3.8's blank
// English pipeline without white space, equal to the letter (golden corpus_words).  Affixes are
// cut off word by word, contractions and emoticons are known from a list, URLs stay whole.
// Memory is kept from text to text; one object a thread.
class EnglishWords {
 public:
  // Valid UTF-8; it must outlive what is read from here.
  void split(std::string_view text);

  std::span<const std::string_view> words() const { return words_; }
  // As spaCy's sentencizer counts them, which ends sentences behind full stops alone; at least one.
  int64_t sentences() const;

 private:
  friend class EnglishExceptions;
  struct Token {
    std::string_view text;
    bool is_space = false;
  };
  struct Span {
    size_t begin = 0, end = 0;  // of tokens
  };

  void cut(std::string_view text, bool with_exceptions);
  void cut_word(std::string_view word, bool with_exceptions);
  void cut_infixes(std::string_view word);
  void add_pieces(std::string_view word, std::span<const uint8_t> sizes);
  void join_exceptions();
  void replace_spans();

  std::vector<Token> tokens_, other_tokens_;
  std::vector<std::string_view> words_, suffixes_;
  std::vector<Span> spans_;
};

// True where spaCy takes the whole word for a URL.
bool is_english_url(std::string_view word);

}  // namespace tunewright::corpus

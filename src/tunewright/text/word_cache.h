#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tunewright::text {

// A token and the bytes of the word or text that it covers.
struct Token {
  int32_t id = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

// The tokens of short words seen lately; of fixed size, a newer word takes an older one's place.
// Belongs to one thread and one tokenizer.
class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 32;
  static constexpr size_t kMaxTokens = 10;

  // The calling thread's cache for the tokenizer numbered `owner`.
  static WordCache& of_thread(uint64_t owner);

  WordCache() : entries_(kEntries) {}
  // Appends the tokens, moved by `offset`; false where the word is not there.  `hash` of word.
  bool append(std::string_view word, uint64_t hash, uint32_t offset,
              std::vector<Token>& tokens) const;
  void store(std::string_view word, uint64_t hash, std::span<const Token> tokens, uint32_t offset);

 private:
  static constexpr size_t kEntries = 1 << 14;
  struct Entry {
    uint64_t hash = 0;
    uint8_t size = 0;  // 0: empty
    uint8_t count = 0;
    std::array<char, kMaxWordBytes> word;
    std::array<int32_t, kMaxTokens> ids;
    std::array<uint8_t, kMaxTokens> begins, ends;
  };
  std::vector<Entry> entries_;
};

}  // namespace tunewright::text

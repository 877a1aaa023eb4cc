#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tunewright/text/json_node.h"
#include "tunewright/text/normalizer.h"

namespace tunewright::text {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  std::string
      decoded;  // what `tokenizers` decodes it to: of a normalised token, its normalised form
  bool special = false;
  bool single_word = false;  // only where no word character stands beside it
  bool lstrip = false;       // takes white space before it along
  bool rstrip = false;       // and after it
  bool normalized = true;    // looked for in the normalised text, in its own normalised form
};

std::vector<AddedToken> parse_added_tokens(const JsonNode& node);

// A set of strings to find in texts.
class StringSet {
 public:
  StringSet();
  void add(std::string_view text, size_t value);
  struct Match {
    size_t begin = 0, end = 0, value = 0;
  };
  // The first match at or after `from`, of several at one place the longest; false where none is.
  bool find(std::string_view text, size_t from, Match& match) const;
  bool empty() const { return children_.empty(); }

 private:
  static constexpr uint32_t kNoValue = ~uint32_t{0};
  std::array<uint32_t, 256> first_{};                // node after a first byte; 0: none
  std::unordered_map<uint64_t, uint32_t> children_;  // (node, byte) -> node
  std::vector<uint32_t> values_;                     // of each node
};

// Finds added tokens in texts before the model sees them.
class AddedTokens {
 public:
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer);

  struct Part {
    size_t begin = 0;
    size_t end = 0;
    int32_t id = -1;  // -1: a text between tokens
  };
  // Cuts a text at the tokens that are looked for before, or after, normalisation.
  std::vector<Part> cut(std::string_view text, bool normalized) const;

  const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  std::vector<AddedToken> tokens_;
  StringSet raw_, normalized_;
};

}  // namespace tunewright::text

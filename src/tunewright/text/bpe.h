#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tunewright/text/json_node.h"
#include "tunewright/text/merges.h"
#include "tunewright/text/vocabulary.h"

namespace tunewright::text {

// Byte-pair encoding of single words.  Immutable and thread-safe; borrows the vocabulary.
class Bpe {
 public:
  // `model`: tokenizer.json's "model" without its vocab.  `spells_bytes`: words are to be spelt as
  // bytes (ByteLevel) first.
  Bpe(const JsonNode& model, const Vocabulary& vocabulary, bool spells_bytes);

  // Whether encode() takes raw bytes and spells them itself; otherwise it takes words as they stand
  // in the vocabulary.
  bool takes_bytes() const { return takes_bytes_; }

  // Appends the word's tokens; their positions count from the word's start plus `offset`.
  void encode(std::string_view word, uint32_t offset, std::vector<Token>& tokens) const;

 private:
  struct StringHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  void read_merges(const JsonNode& merges);
  void add_merge(const JsonNode& where, std::string_view left, std::string_view right,
                 uint32_t rank);
  void read_characters();
  void read_bytes();
  void note_glue(std::string_view left, std::string_view right);
  bool can_cut_at_marks() const;

  void encode_part(std::string_view part, uint32_t offset, std::vector<Token>& tokens) const;
  void compute(std::string_view part, uint32_t offset, std::vector<Token>& tokens) const;
  void start_with_bytes(std::string_view part, uint32_t offset, std::vector<Token>& tokens) const;
  void start_with_characters(std::string_view part, uint32_t offset,
                             std::vector<Token>& tokens) const;
  int32_t id_of_character(std::string_view part, size_t at, uint32_t size, char32_t value) const;
  bool fall_back_to_bytes(std::string_view spelling, uint32_t offset,
                          std::vector<Token>& tokens) const;
  int32_t unknown_id() const;

  const Vocabulary& vocabulary_;
  std::string file_;
  std::string unknown_token_;
  std::string prefix_, suffix_;  // of subwords that continue, and of a word's last one
  bool has_unknown_ = false;
  bool fuses_unknown_ = false;
  bool byte_fallback_ = false;
  bool ignores_merges_ = false;
  bool takes_bytes_ = false;
  bool cuts_at_marks_ = false;
  bool merges_odd_tokens_ = false;  // merges of byte tokens or of the unknown token
  uint64_t number_;                 // of this object, for the threads' caches
  Merges merges_;
  std::array<int32_t, 256> byte_ids_;      // <0x00> …, or the byte's spelling; -1: none
  std::vector<int32_t> small_characters_;  // below U+3000; -1: none
  std::unordered_map<char32_t, int32_t> other_characters_;
  std::unordered_set<char32_t> glued_to_mark_;  // some merge joins this character to a "▁" after it
  std::unordered_map<std::string, int32_t, StringHash, std::equal_to<>>
      whole_words_;  // bytes -> id, for ignore_merges
};

}  // namespace tunewright::text

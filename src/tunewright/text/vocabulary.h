#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tunewright::text {

// The tokens of a model, as tokenizer.json's "model.vocab" spells them, without the added ones.
class Vocabulary {
 public:
  using Entries = std::vector<std::pair<std::string, int64_t>>;
  // Ids are distinct and within [0, size).  `where` opens the message otherwise.
  Vocabulary(Entries entries, int64_t size, std::string_view where);
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  std::optional<int32_t> id_of(std::string_view token) const;
  bool has(int32_t id) const { return known_[static_cast<size_t>(id)]; }
  const std::string& token(int32_t id) const { return tokens_[static_cast<size_t>(id)]; }
  int32_t size() const {
    return static_cast<int32_t>(tokens_.size());
  }  // ids that added tokens take included

 private:
  std::vector<std::string> tokens_;
  std::vector<bool> known_;
  std::unordered_map<std::string_view, int32_t> ids_;  // views of tokens_
};

}  // namespace tunewright::text

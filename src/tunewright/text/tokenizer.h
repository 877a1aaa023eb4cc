#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::text {

// Half-open range of bytes in a text.
struct ByteSpan {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const ByteSpan&) const = default;
};

struct Encoding {
  std::vector<int32_t> ids;
  std::vector<ByteSpan>
      spans;  // of each token in the text as given; empty for tokens added by the post-processor
};

struct EncodeOptions {
  bool add_special = false;  // what the model's tokenizer adds by itself (a BOS, …), once
};

// The tokens of a special role, where the model's files name them.
struct SpecialTokens {
  std::optional<int32_t> bos, eos, pad, unk;
};

// A Hugging Face `tokenizer.json`.  Token ids equal those of the `tokenizers` package, invalid
// UTF-8 counting as U+FFFD.  Immutable once made, and safe to share between threads.
class Tokenizer {
 public:
  // `folder` holds tokenizer.json and, if present, tokenizer_config.json / special_tokens_map.json
  // (roles of special tokens).  A malformed file is a UserError that names it and the key.
  static Tokenizer load(const std::filesystem::path& folder);
  static Tokenizer parse(std::string_view tokenizer_json, std::string_view where);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Special tokens written in the text are parsed as such.
  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {}) const;
  Encoding encode_with_spans(std::string_view text, EncodeOptions options = {}) const;

  // As `tokenizers` decodes; incomplete UTF-8 becomes U+FFFD.  An id out of range is a UserError.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  // The token as the vocabulary spells it ("Ġthe", "▁the", "<|im_end|>").
  const std::string& token(int32_t id) const;
  std::optional<int32_t> id_of(std::string_view token) const;
  bool is_special(int32_t id) const;
  int32_t vocab_size() const;  // added tokens included
  const SpecialTokens& special() const;
  // What add_special puts before a text (a BOS for Llama 3; nothing for SmolLM2).
  std::vector<int32_t> prefix_ids() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  friend class StreamDecoder;
};

// Decodes token by token: gives out only text that later tokens cannot change, never half a
// character.  The pieces, joined, equal decode() of all ids.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true);  // borrowed
  StreamDecoder(StreamDecoder&&) noexcept;
  ~StreamDecoder();
  std::string put(int32_t id);
  std::string finish();  // what was held back; the next put() begins a new text

 private:
  struct State;
  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::unique_ptr<State> state_;
};

}  // namespace tunewright::text

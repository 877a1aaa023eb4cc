#include "tunewright/text/bpe.h"

#include <algorithm>
#include <atomic>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/text/byte_level.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

constexpr char32_t kMark = 0x2581;  // "▁", which stands for a space
constexpr std::string_view kMarkUtf8 = "\xE2\x96\x81";
constexpr char32_t kSmallCharacters = 0x3000;
constexpr int32_t kNone = -1;

uint64_t next_number() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

size_t merge_count(const JsonNode& model) {
  const auto merges = model.find("merges");
  return merges ? merges->items().size() : 0;
}

}  // namespace

Bpe::Bpe(const JsonNode& model, const Vocabulary& vocabulary, bool spells_bytes)
    : vocabulary_(vocabulary),
      file_(model.where()),
      number_(next_number()),
      merges_(merge_count(model)) {
  if (const auto unknown = model.find("unk_token")) {
    has_unknown_ = true;
    unknown_token_ = unknown->as_string();
  }
  if (const auto dropout = model.find("dropout"))
    dropout->fail("expected null: tokens are not dropped at random");
  prefix_ = model.string_or("continuing_subword_prefix", "");
  suffix_ = model.string_or("end_of_word_suffix", "");
  fuses_unknown_ = model.bool_or("fuse_unk", false);
  byte_fallback_ = model.bool_or("byte_fallback", false);
  ignores_merges_ = model.bool_or("ignore_merges", false);
  read_merges(model.at("merges"));
  read_characters();
  if (spells_bytes && prefix_.empty() && suffix_.empty()) read_bytes();
  cuts_at_marks_ = can_cut_at_marks();
}

void Bpe::read_merges(const JsonNode& merges) {
  uint32_t rank = 0;
  for (const auto& item : merges.items()) {
    if (item.is_array()) {
      const auto pair = item.items();
      if (pair.size() != 2) item.fail("expected two tokens");
      add_merge(item, pair[0].as_string(), pair[1].as_string(), rank++);
      continue;
    }
    const std::string_view text = item.as_string();
    if (rank == 0 && text.starts_with("#version")) continue;
    const auto space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      item.fail(str("expected two tokens with a space between them, got '", excerpt(text), "'"));
    }
    add_merge(item, text.substr(0, space), text.substr(space + 1), rank++);
  }
}

void Bpe::add_merge(const JsonNode& where, std::string_view left, std::string_view right,
                    uint32_t rank) {
  const auto id_of = [&](std::string_view token) {
    const auto id = vocabulary_.id_of(token);
    if (!id)
      where.fail(str("the merge of '", excerpt(left), "' and '", excerpt(right),
                     "' names the token '", excerpt(token), "', which model.vocab lacks"));
    return *id;
  };
  if (right.size() < prefix_.size())
    where.fail("the second token is shorter than continuing_subword_prefix");
  const auto left_id = id_of(left), right_id = id_of(right);
  auto merged = std::string(left);
  merged += right.substr(prefix_.size());
  merges_.add(left_id, right_id, rank, id_of(merged));
  note_glue(left, right);
}

void Bpe::note_glue(std::string_view left, std::string_view right) {
  for (const auto token : {left, right}) {
    merges_odd_tokens_ |=
        byte_of_token(token).has_value() || (has_unknown_ && token == unknown_token_);
  }
  if (!left.empty() && right.starts_with(kMarkUtf8))
    glued_to_mark_.insert(code_point_before(left, left.size()).value);
}

void Bpe::read_characters() {
  small_characters_.assign(kSmallCharacters, kNone);
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    if (!vocabulary_.has(id)) continue;
    const auto& token = vocabulary_.token(id);
    if (token.empty()) continue;
    const auto character = code_point_at(token, 0);
    if (character.size != token.size()) continue;
    if (character.value < kSmallCharacters) {
      small_characters_[character.value] = id;
    } else {
      other_characters_[character.value] = id;
    }
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_ids_[byte] = vocabulary_.id_of(byte_token(static_cast<uint8_t>(byte))).value_or(kNone);
  }
}

// Bytes that no token spells are simply dropped, as `tokenizers` does where there is neither an
// unknown token nor a byte fallback; with these, words are spelt out and take the general way.
void Bpe::read_bytes() {
  std::array<int32_t, 256> ids;
  bool complete = true;
  for (size_t byte = 0; byte < 256; ++byte) {
    ids[byte] = vocabulary_.id_of(byte_spellings()[byte]).value_or(kNone);
    complete &= ids[byte] != kNone;
  }
  if (!complete && (has_unknown_ || byte_fallback_)) return;
  takes_bytes_ = true;
  byte_ids_ = ids;
  if (!ignores_merges_) return;
  for (int32_t id = 0; id < vocabulary_.size(); ++id) {
    if (!vocabulary_.has(id)) continue;
    if (auto bytes = bytes_spelled(vocabulary_.token(id)))
      whole_words_.emplace(*std::move(bytes), id);
  }
}

// A text may be cut before each "▁" that no merge joins to the character before it: the parts give
// the same tokens, and come again and again.
bool Bpe::can_cut_at_marks() const {
  const bool bytes_complete =
      std::find(byte_ids_.begin(), byte_ids_.end(), kNone) == byte_ids_.end();
  return !takes_bytes_ && !ignores_merges_ && prefix_.empty() && suffix_.empty() &&
         !merges_odd_tokens_ && small_characters_[kMark] != kNone &&
         (!byte_fallback_ || bytes_complete);
}

void Bpe::encode(std::string_view word, uint32_t offset, std::vector<Token>& tokens) const {
  if (!cuts_at_marks_) return encode_part(word, offset, tokens);
  size_t begin = 0;
  for (size_t at = word.find(kMarkUtf8, 1); at != std::string_view::npos;
       at = word.find(kMarkUtf8, at + 1)) {
    if (glued_to_mark_.contains(code_point_before(word, at).value)) continue;
    encode_part(word.substr(begin, at - begin), offset + static_cast<uint32_t>(begin), tokens);
    begin = at;
  }
  encode_part(word.substr(begin), offset + static_cast<uint32_t>(begin), tokens);
}

void Bpe::encode_part(std::string_view part, uint32_t offset, std::vector<Token>& tokens) const {
  if (part.empty()) return;
  if (part.size() > WordCache::kMaxWordBytes) return compute(part, offset, tokens);
  auto& cache = WordCache::of_thread(number_);
  const auto hash = fast_hash(part);
  if (cache.append(part, hash, offset, tokens)) return;
  const auto first = tokens.size();
  compute(part, offset, tokens);
  cache.store(part, hash, {tokens.data() + first, tokens.size() - first}, offset);
}

void Bpe::compute(std::string_view part, uint32_t offset, std::vector<Token>& tokens) const {
  if (ignores_merges_) {
    const auto whole = takes_bytes_ ? whole_words_.find(part) : whole_words_.end();
    const auto id =
        takes_bytes_ ? (whole != whole_words_.end() ? std::optional(whole->second) : std::nullopt)
                     : vocabulary_.id_of(part);
    if (id) return tokens.push_back({*id, offset, offset + static_cast<uint32_t>(part.size())});
  }
  const auto first = tokens.size();
  if (takes_bytes_) {
    start_with_bytes(part, offset, tokens);
  } else {
    start_with_characters(part, offset, tokens);
  }
  merges_.apply(tokens, first);
}

void Bpe::start_with_bytes(std::string_view part, uint32_t offset,
                           std::vector<Token>& tokens) const {
  for (uint32_t i = 0; i < part.size(); ++i) {
    const auto id = byte_ids_[static_cast<uint8_t>(part[i])];
    if (id != kNone) tokens.push_back({id, offset + i, offset + i + 1});
  }
}

int32_t Bpe::unknown_id() const {
  const auto id = vocabulary_.id_of(unknown_token_);
  if (!id)
    throw UserError(str(file_,
                        ": the text has characters that need unk_token, but model.vocab lacks '",
                        excerpt(unknown_token_), "'"));
  return *id;
}

void Bpe::start_with_characters(std::string_view part, uint32_t offset,
                                std::vector<Token>& tokens) const {
  std::optional<Token> unknown;  // waits: with fuse_unk the next unknown characters join it
  const auto flush = [&] {
    if (unknown) tokens.push_back(*unknown);
    unknown.reset();
  };
  for (size_t at = 0; at < part.size();) {
    const auto character = code_point_at(part, at);
    const auto begin = offset + static_cast<uint32_t>(at), end = begin + character.size;
    const auto id = id_of_character(part, at, character.size, character.value);
    at += character.size;
    if (id != kNone) {
      flush();
      tokens.push_back({id, begin, end});
      continue;
    }
    if (byte_fallback_ &&
        fall_back_to_bytes(part.substr(begin - offset, character.size), begin, tokens))
      continue;
    if (!has_unknown_) continue;
    if (unknown && fuses_unknown_) {
      unknown->end = end;
    } else {
      flush();
      unknown = Token{unknown_id(), begin, end};
    }
  }
  flush();
}

int32_t Bpe::id_of_character(std::string_view part, size_t at, uint32_t size,
                             char32_t value) const {
  const bool continues = at > 0 && !prefix_.empty();
  const bool ends = at + size == part.size() && !suffix_.empty();
  if (continues || ends) {
    const auto spelling = str(continues ? prefix_ : "", part.substr(at, size), ends ? suffix_ : "");
    return vocabulary_.id_of(spelling).value_or(kNone);
  }
  if (value < kSmallCharacters) return small_characters_[value];
  const auto found = other_characters_.find(value);
  return found != other_characters_.end() ? found->second : kNone;
}

bool Bpe::fall_back_to_bytes(std::string_view spelling, uint32_t offset,
                             std::vector<Token>& tokens) const {
  const auto id_of = [&](char c) { return byte_ids_[static_cast<uint8_t>(c)]; };
  if (std::any_of(spelling.begin(), spelling.end(), [&](char c) { return id_of(c) == kNone; }))
    return false;
  for (uint32_t i = 0; i < spelling.size(); ++i)
    tokens.push_back({id_of(spelling[i]), offset + i, offset + i + 1});
  return true;
}

}  // namespace tunewright::text

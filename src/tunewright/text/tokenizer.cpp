#include "tunewright/text/tokenizer.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/text/added_tokens.h"
#include "tunewright/text/bpe.h"
#include "tunewright/text/decoder.h"
#include "tunewright/text/normalizer.h"
#include "tunewright/text/post_processor.h"
#include "tunewright/text/pre_tokenizer.h"
#include "tunewright/text/tokenizer_file.h"
#include "tunewright/text/unicode.h"
#include "tunewright/text/vocabulary.h"

namespace tunewright::text {
namespace {

void check_model(const JsonNode& root) {
  const auto model = root.at("model");
  if (const auto type = model.find("type")) type->choice("the model", {"BPE"});
  model.at("vocab").entries();
}

// Ids run from 0 without a gap, so the number of tokens is their limit.
int64_t count_tokens(const Vocabulary::Entries& vocab, const std::vector<AddedToken>& added) {
  std::vector<std::string_view> contents;
  for (const auto& token : added) contents.push_back(token.content);
  std::sort(contents.begin(), contents.end());
  contents.erase(std::unique(contents.begin(), contents.end()), contents.end());
  const auto shared = std::count_if(vocab.begin(), vocab.end(), [&](const auto& entry) {
    return std::binary_search(contents.begin(), contents.end(), std::string_view(entry.first));
  });
  const auto count = static_cast<int64_t>(vocab.size() + contents.size()) - shared;
  return std::min<int64_t>(count, std::numeric_limits<int32_t>::max());
}

Vocabulary make_vocabulary(Vocabulary::Entries entries, const std::vector<AddedToken>& added,
                           std::string_view where) {
  const auto vocab_where = str(where, ": key 'model.vocab'");
  if (entries.empty()) throw UserError(str(vocab_where, ": the vocabulary is empty"));
  const auto size = count_tokens(entries, added);
  return Vocabulary(std::move(entries), size, vocab_where);
}

std::vector<AddedToken> read_added_tokens(const JsonNode& root) {
  const auto node = root.find("added_tokens");
  return node ? parse_added_tokens(*node) : std::vector<AddedToken>();
}

std::unique_ptr<const Normalizer> read_normalizer(const JsonNode& root) {
  const auto node = root.find("normalizer");
  return node ? parse_normalizer(*node) : nullptr;
}

PreTokenizer read_pre_tokenizer(const JsonNode& root) {
  const auto node = root.find("pre_tokenizer");
  return node ? parse_pre_tokenizer(*node) : PreTokenizer();
}

PostProcessor read_post_processor(const JsonNode& root, int32_t vocab_size) {
  const auto node = root.find("post_processor");
  return node ? parse_post_processor(*node, vocab_size) : PostProcessor();
}

Decoder read_decoder(const JsonNode& root) {
  const auto node = root.find("decoder");
  return node ? Decoder::parse(*node) : Decoder::spaces();
}

AlignedText repair_utf8(const AlignedText& text) {
  const auto bytes = text.view();
  Rewriter out(text);
  for (size_t at = 0; at < bytes.size();) {
    const auto valid = valid_utf8_prefix(bytes.substr(at));
    out.keep(valid);
    at += valid;
    if (at == bytes.size()) break;
    const auto step = utf8_step(bytes, at);
    out.replace(step.size, kReplacementUtf8);
    at += step.size;
  }
  return out.finish();
}

}  // namespace

struct Tokenizer::Impl {
  Impl(Vocabulary::Entries entries, std::vector<AddedToken> added_tokens, const JsonNode& root,
       std::string_view where_is)
      : where(where_is),
        vocabulary(make_vocabulary(std::move(entries), added_tokens, where)),
        normalizer(read_normalizer(root)),
        pre_tokenizer(read_pre_tokenizer(root)),
        bpe(root.at("model"), vocabulary, pre_tokenizer.spells_bytes_last),
        added(std::move(added_tokens), normalizer.get()),
        post_processor(read_post_processor(root, vocabulary.size())),
        decoder(read_decoder(root)) {
    if (pre_tokenizer.spells_bytes_last && !bpe.takes_bytes())
      pre_tokenizer.steps.push_back(spell_bytes_step());
    index_added_tokens();
  }

  void index_added_tokens();
  const AddedToken* added_token(int32_t id) const;
  void check_id(int32_t id) const;
  const std::string& token(int32_t id) const;
  void decode_into(Decoder::Decoding& decoding, int32_t id, bool skip_special,
                   std::string& text) const;

  Encoding encode(std::string_view text, EncodeOptions options, bool with_spans) const;
  void encode_input(const AlignedText& input, Encoding& out) const;
  void encode_normalized(const AlignedText& text, bool opens_input, Encoding& out) const;
  void encode_words(AlignedText text, bool opens_input, Encoding& out) const;

  std::string where;
  Vocabulary vocabulary;
  std::unique_ptr<const Normalizer> normalizer;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  AddedTokens added;
  std::unordered_map<int32_t, const AddedToken*> added_by_id;
  std::unordered_map<std::string_view, int32_t> added_by_content;
  PostProcessor post_processor;
  Decoder decoder;
  SpecialTokens special;
};

void Tokenizer::Impl::index_added_tokens() {
  for (const auto& token : added.tokens()) {
    const auto what =
        str(where, ": key 'added_tokens': token '", excerpt(token.content), "' with id ", token.id);
    const auto in_vocab = vocabulary.id_of(token.content);
    if (in_vocab && *in_vocab != token.id)
      throw UserError(str(what, ": model.vocab gives it the id ", *in_vocab));
    if (token.id >= vocabulary.size()) {
      throw UserError(str(what, ": the ", vocabulary.size(), " tokens need the ids 0 to ",
                          vocabulary.size() - 1, ": an id is missing or out of range"));
    }
    if (!in_vocab && vocabulary.has(token.id)) {
      throw UserError(
          str(what, ": that id is '", excerpt(vocabulary.token(token.id)), "' in model.vocab"));
    }
    if (!added_by_id.emplace(token.id, &token).second ||
        !added_by_content.emplace(token.content, token.id).second) {
      throw UserError(str(what, ": the id or the token stands there twice"));
    }
  }
}

const AddedToken* Tokenizer::Impl::added_token(int32_t id) const {
  const auto found = added_by_id.find(id);
  return found != added_by_id.end() ? found->second : nullptr;
}

void Tokenizer::Impl::check_id(int32_t id) const {
  if (id < 0 || id >= vocabulary.size()) {
    throw UserError(str("token id ", id, " is out of range: the vocabulary of ", where, " has ",
                        vocabulary.size(), " tokens"));
  }
}

const std::string& Tokenizer::Impl::token(int32_t id) const {
  check_id(id);
  const auto* token = added_token(id);
  return token != nullptr ? token->content : vocabulary.token(id);
}

// As `tokenizers` has it, a special token whose normalised form is another one is not skipped.
void Tokenizer::Impl::decode_into(Decoder::Decoding& decoding, int32_t id, bool skip_special,
                                  std::string& text) const {
  check_id(id);
  const auto* token = added_token(id);
  if (token == nullptr) return decoding.put(vocabulary.token(id), text);
  const bool is_skipped = skip_special && token->special && token->decoded == token->content;
  if (!is_skipped) decoding.put(token->decoded, text);
}

Encoding Tokenizer::Impl::encode(std::string_view text, EncodeOptions options,
                                 bool with_spans) const {
  if (text.size() >= std::numeric_limits<int32_t>::max() / 4) {
    throw UserError(str("a text of ", text.size(),
                        " bytes is too long to tokenize at once: the limit is 512 MiB"));
  }
  Encoding out;
  out.ids.reserve(text.size() / 3 + 8);
  const auto add = [&](const std::vector<int32_t>& ids, size_t at) {
    if (!options.add_special) return;
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    if (with_spans) out.spans.insert(out.spans.end(), ids.size(), ByteSpan{at, at});
  };
  add(post_processor.prefix, 0);
  const AlignedText given(text, 0, with_spans);
  if (is_valid_utf8(text)) {
    encode_input(given, out);
  } else {
    encode_input(repair_utf8(given), out);
  }
  add(post_processor.suffix, text.size());
  return out;
}

void Tokenizer::Impl::encode_input(const AlignedText& input, Encoding& out) const {
  for (const auto& part : added.cut(input.view(), false)) {
    if (part.id >= 0) {
      out.ids.push_back(part.id);
      const auto span = input.origin(part.begin, part.end);
      if (input.tracked()) out.spans.push_back({span.begin, span.end});
      continue;
    }
    auto text = input.slice(part.begin, part.end);
    if (normalizer) normalizer->apply(text);
    encode_normalized(text, part.begin == 0, out);
  }
}

void Tokenizer::Impl::encode_normalized(const AlignedText& text, bool opens_input,
                                        Encoding& out) const {
  for (const auto& part : added.cut(text.view(), true)) {
    if (part.id < 0) {
      encode_words(text.slice(part.begin, part.end), opens_input && part.begin == 0, out);
      continue;
    }
    out.ids.push_back(part.id);
    const auto span = text.origin(part.begin, part.end);
    if (text.tracked()) out.spans.push_back({span.begin, span.end});
  }
}

void Tokenizer::Impl::encode_words(AlignedText text, bool opens_input, Encoding& out) const {
  const auto size = static_cast<uint32_t>(text.view().size());
  Words words{std::move(text), {{0, size}}, opens_input};
  for (const auto& step : pre_tokenizer.steps) step->apply(words);

  thread_local std::vector<Token> tokens;
  tokens.clear();
  const auto normalized = words.text.view();
  for (const auto piece : words.pieces)
    bpe.encode(normalized.substr(piece.begin, piece.end - piece.begin), piece.begin, tokens);
  for (const auto& token : tokens) {
    out.ids.push_back(token.id);
    if (!words.text.tracked()) continue;
    const auto span = words.text.origin(token.begin, token.end);
    out.spans.push_back({span.begin, span.end});
  }
}

namespace {

// {"bos_token": "<s>"} or {"bos_token": {"content": "<s>", …}}
std::optional<std::string> role_token(const JsonNode& config, const std::string& key) {
  const auto node = config.find(key);
  if (!node) return std::nullopt;
  return node->is_object() ? node->at("content").as_string() : node->as_string();
}

void read_roles(const fs::path& path, const Tokenizer& tokenizer, SpecialTokens& special) {
  if (!fs::exists(path)) return;
  const auto document = read_json(path);
  const auto file = path.string();
  const JsonNode config(document, file);
  const auto read = [&](const std::string& key, std::optional<int32_t>& role) {
    if (role) return;
    // A role that is given to a token outside of the vocabulary is none: the model cannot know it.
    if (const auto token = role_token(config, key)) role = tokenizer.id_of(*token);
  };
  read("bos_token", special.bos);
  read("eos_token", special.eos);
  read("pad_token", special.pad);
  read("unk_token", special.unk);
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const fs::path& folder) {
  const auto path = folder / "tokenizer.json";
  const MappedFile file(path);
  auto tokenizer = parse(file.text(), path.string());
  SpecialTokens special;
  read_roles(folder / "tokenizer_config.json", tokenizer, special);
  read_roles(folder / "special_tokens_map.json", tokenizer, special);
  tokenizer.impl_->special = special;
  return tokenizer;
}

Tokenizer Tokenizer::parse(std::string_view tokenizer_json, std::string_view where) {
  auto file = parse_tokenizer_file(tokenizer_json, where);
  const JsonNode root(file.document, where);
  check_model(root);
  return Tokenizer(
      std::make_unique<Impl>(std::move(file.vocab), read_added_tokens(root), root, where));
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  return impl_->encode(text, options, false).ids;
}

Encoding Tokenizer::encode_with_spans(std::string_view text, EncodeOptions options) const {
  return impl_->encode(text, options, true);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  auto decoding = impl_->decoder.start();
  std::string text;
  for (const auto id : ids) impl_->decode_into(decoding, id, skip_special, text);
  decoding.finish(text);
  return text;
}

const std::string& Tokenizer::token(int32_t id) const { return impl_->token(id); }

std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  const auto found = impl_->added_by_content.find(token);
  return found != impl_->added_by_content.end() ? found->second : impl_->vocabulary.id_of(token);
}

bool Tokenizer::is_special(int32_t id) const {
  const auto* token = impl_->added_token(id);
  return token != nullptr && token->special;
}
int32_t Tokenizer::vocab_size() const { return impl_->vocabulary.size(); }
const SpecialTokens& Tokenizer::special() const { return impl_->special; }
std::vector<int32_t> Tokenizer::prefix_ids() const { return impl_->post_processor.prefix; }

struct StreamDecoder::State {
  Decoder::Decoding decoding;
};

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer),
      skip_special_(skip_special),
      state_(std::make_unique<State>(tokenizer.impl_->decoder.start())) {}
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder::~StreamDecoder() = default;

std::string StreamDecoder::put(int32_t id) {
  std::string piece;
  tokenizer_.impl_->decode_into(state_->decoding, id, skip_special_, piece);
  return piece;
}

std::string StreamDecoder::finish() {
  std::string piece;
  state_->decoding.finish(piece);
  state_ = std::make_unique<State>(tokenizer_.impl_->decoder.start());
  return piece;
}

}  // namespace tunewright::text

#include "tunewright/model/convert/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/convert/gguf_config.h"
#include "tunewright/model/convert/pre_tokenizers.h"

namespace tunewright::model {
namespace {

constexpr const char* kSpaceMark = "\u2581";  // SentencePiece's word mark

// Numbers of tokenizer.ggml.token_type.
enum class TokenType {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<TokenType> types;
};

[[noreturn]] void reject(std::string_view where, std::string_view key, const std::string& problem) {
  throw UserError(str(where, ": metadata key '", key, "': ", problem));
}

const Json& list(const io::GgufHeader& header, const char* key, std::string_view where) {
  const auto found = header.metadata.find(key);
  if (found == header.metadata.end() || !found->is_array())
    reject(where, key, "the list is missing, so the file has no tokenizer");
  return *found;
}

std::vector<std::string> texts(const io::GgufHeader& header, const char* key,
                               std::string_view where) {
  std::vector<std::string> result;
  for (const auto& item : list(header, key, where)) {
    if (!item.is_string())
      reject(where, key, str("must be a list of texts, has ", excerpt(dump_json(item))));
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<double> numbers(const io::GgufHeader& header, const char* key, size_t count,
                            std::string_view where) {
  std::vector<double> result;
  for (const auto& item : list(header, key, where)) {
    if (!item.is_number() || !std::isfinite(item.get<double>()))
      reject(where, key, "must be a list of finite numbers");
    result.push_back(item.get<double>());
  }
  if (result.size() != count)
    reject(where, key, str("has ", result.size(), " entries for ", count, " tokens"));
  return result;
}

std::string text_or(const io::GgufHeader& header, const char* key, const std::string& fallback) {
  const auto found = header.metadata.find(key);
  return found != header.metadata.end() && found->is_string() ? found->get<std::string>()
                                                              : fallback;
}

bool flag_or(const io::GgufHeader& header, const char* key, bool fallback) {
  const auto found = header.metadata.find(key);
  return found != header.metadata.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

Vocabulary vocabulary_of(const io::GgufHeader& header, std::string_view where) {
  constexpr const char* kTypes = "tokenizer.ggml.token_type";
  Vocabulary vocabulary{.tokens = texts(header, "tokenizer.ggml.tokens", where)};
  if (vocabulary.tokens.empty()) reject(where, "tokenizer.ggml.tokens", "the vocabulary is empty");
  vocabulary.types.assign(vocabulary.tokens.size(), TokenType::kNormal);
  if (!header.metadata.contains(kTypes)) return vocabulary;
  const auto types = numbers(header, kTypes, vocabulary.tokens.size(), where);
  std::ranges::transform(types, vocabulary.types.begin(), [](double type) {
    return static_cast<TokenType>(static_cast<int>(type));
  });
  return vocabulary;
}

// Padding of the embedding matrix at the end is no vocabulary.
void drop_unused_tail(Vocabulary& vocabulary) {
  while (!vocabulary.tokens.empty() && vocabulary.types.back() == TokenType::kUnused) {
    vocabulary.tokens.pop_back();
    vocabulary.types.pop_back();
  }
}

// Inserting into an ordered Json object looks the key up each time; a list of pairs does not.
Json vocab_json(const Vocabulary& vocabulary, std::string_view where) {
  std::unordered_map<std::string_view, size_t> seen;
  auto object = Json::object();
  auto& items = object.get_ref<Json::object_t&>();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const auto& token = vocabulary.tokens[id];
    if (!seen.emplace(token, id).second) {
      reject(where, "tokenizer.ggml.tokens",
             str("'", excerpt(token), "' is token ", seen[token], " and token ", id));
    }
    items.Container::emplace_back(token, id);
  }
  return object;
}

Json added_tokens(const Vocabulary& vocabulary) {
  auto added = Json::array();
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const auto type = vocabulary.types[id];
    const bool special = type == TokenType::kControl || type == TokenType::kUnknown;
    if (!special && type != TokenType::kUserDefined) continue;
    added.push_back({{"id", id},
                     {"content", vocabulary.tokens[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", special}});
  }
  return added;
}

Json merge_list(const std::vector<std::string>& merges, std::string_view where) {
  auto result = Json::array();
  for (const auto& merge : merges) {
    const auto space = merge.find(' ', 1);
    if (space == std::string::npos)
      reject(where, "tokenizer.ggml.merges", str("'", excerpt(merge), "' is no pair of tokens"));
    result.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  return result;
}

// What surrounds each text: a BOS, an EOS.
struct Frame {
  std::optional<int64_t> begin, end;
};

Frame frame_of(const io::GgufHeader& header, bool adds_bos, std::string_view where) {
  Frame frame;
  if (flag_or(header, "tokenizer.ggml.add_bos_token", adds_bos))
    frame.begin = token_id(header, "tokenizer.ggml.bos_token_id", where);
  if (flag_or(header, "tokenizer.ggml.add_eos_token", false))
    frame.end = token_id(header, "tokenizer.ggml.eos_token_id", where);
  return frame;
}

Json template_processing(const Frame& frame, const std::vector<std::string>& tokens) {
  const auto special = [&](int64_t id, int type) -> Json {
    return {{"SpecialToken", {{"id", tokens[static_cast<size_t>(id)]}, {"type_id", type}}}};
  };
  const auto framed = [&](Json& items, const char* sequence, int type) {
    if (frame.begin) items.push_back(special(*frame.begin, type));
    items.push_back({{"Sequence", {{"id", sequence}, {"type_id", type}}}});
    if (frame.end) items.push_back(special(*frame.end, type));
  };
  Json single = Json::array(), pair = Json::array(), specials = Json::object();
  framed(single, "A", 0);
  framed(pair, "A", 0);
  framed(pair, "B", 1);
  for (const auto& id : {frame.begin, frame.end}) {
    if (!id) continue;
    const auto& token = tokens[static_cast<size_t>(*id)];
    specials[token] = {{"id", token}, {"ids", {*id}}, {"tokens", {token}}};
  }
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", specials}};
}

Json post_processor(Json own, const Frame& frame, const std::vector<std::string>& tokens) {
  if (!frame.begin && !frame.end) return own;
  auto processing = template_processing(frame, tokens);
  if (own.is_null()) return processing;
  return {{"type", "Sequence"}, {"processors", {std::move(own), std::move(processing)}}};
}

struct BpeOptions {
  Json unk_token = nullptr;
  bool fuse_unk = false, byte_fallback = false, ignore_merges = false;
};

Json bpe(Json vocab, Json merges, const BpeOptions& options) {
  Json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", options.unk_token},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", options.fuse_unk},
                {"byte_fallback", options.byte_fallback},
                {"ignore_merges", options.ignore_merges}};
  model["vocab"] = std::move(vocab);
  model["merges"] = std::move(merges);
  return model;
}

Json whole(Json added, Json normalizer, Json pre_tokenizer, Json post, Json decoder, Json model) {
  Json json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = std::move(added);
  json["normalizer"] = std::move(normalizer);
  json["pre_tokenizer"] = std::move(pre_tokenizer);
  json["post_processor"] = std::move(post);
  json["decoder"] = std::move(decoder);
  json["model"] = std::move(model);
  return json;
}

Json byte_level_tokenizer(const io::GgufHeader& header, const Vocabulary& vocabulary,
                          std::string_view where, Reporter& reporter) {
  const auto name = text_or(header, "tokenizer.ggml.pre", "");
  if (name.empty() || name == "default") {
    reporter.warn(str(where,
                      ": the file does not say how text is cut before merging "
                      "(tokenizer.ggml.pre); GPT-2's way is taken"));
  }
  auto parts = pre_tokenizer_of(name.empty() ? "gpt-2" : name, where);
  const auto frame = frame_of(header, parts.adds_bos, where);
  const Json decoder = {{"type", "ByteLevel"},
                        {"add_prefix_space", true},
                        {"trim_offsets", true},
                        {"use_regex", true}};
  return whole(added_tokens(vocabulary), std::move(parts.normalizer),
               std::move(parts.pre_tokenizer),
               post_processor(std::move(parts.post_processor), frame, vocabulary.tokens), decoder,
               bpe(vocab_json(vocabulary, where),
                   merge_list(texts(header, "tokenizer.ggml.merges", where), where),
                   {.ignore_merges = parts.ignore_merges}));
}

Json replace(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

Json sentencepiece_tokenizer(const io::GgufHeader& header, const Vocabulary& vocabulary,
                             std::string_view where) {
  const auto scores = numbers(header, "tokenizer.ggml.scores",
                              list(header, "tokenizer.ggml.tokens", where).size(), where);
  auto merges = Json::array();
  for (const auto& [left, right] : merges_of_scores(vocabulary.tokens, scores))
    merges.push_back({left, right});
  const bool leading_space = flag_or(header, "tokenizer.ggml.add_space_prefix", true);
  auto normalizers = Json::array(), decoders = Json::array();
  if (leading_space) normalizers.push_back({{"type", "Prepend"}, {"prepend", kSpaceMark}});
  normalizers.push_back(replace(" ", kSpaceMark));
  decoders.push_back(replace(kSpaceMark, " "));
  decoders.push_back({{"type", "ByteFallback"}});
  decoders.push_back({{"type", "Fuse"}});
  if (leading_space)
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  const auto unknown = std::ranges::find(vocabulary.types, TokenType::kUnknown);
  const Json unk_token =
      unknown == vocabulary.types.end()
          ? Json(nullptr)
          : Json(vocabulary.tokens[static_cast<size_t>(unknown - vocabulary.types.begin())]);
  return whole(added_tokens(vocabulary), {{"type", "Sequence"}, {"normalizers", normalizers}},
               nullptr, post_processor(nullptr, frame_of(header, true, where), vocabulary.tokens),
               {{"type", "Sequence"}, {"decoders", decoders}},
               bpe(vocab_json(vocabulary, where), std::move(merges),
                   {.unk_token = unk_token, .fuse_unk = true, .byte_fallback = true}));
}

struct Role {
  const char *key, *name;
};
constexpr std::array kRoles = {Role{"tokenizer.ggml.bos_token_id", "bos_token"},
                               Role{"tokenizer.ggml.eos_token_id", "eos_token"},
                               Role{"tokenizer.ggml.padding_token_id", "pad_token"},
                               Role{"tokenizer.ggml.unknown_token_id", "unk_token"}};

Json special_tokens_map(const io::GgufHeader& header, const Vocabulary& vocabulary,
                        std::string_view where) {
  auto map = Json::object();
  for (const auto& role : kRoles) {
    const auto id = token_id(header, role.key, where);
    if (id && *id < static_cast<int64_t>(vocabulary.tokens.size()))
      map[role.name] = vocabulary.tokens[static_cast<size_t>(*id)];
  }
  return map;
}

Json tokenizer_config(const HfTokenizer& tokenizer, int64_t max_positions) {
  auto config = Json::object();
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  config["model_max_length"] = max_positions;
  config["clean_up_tokenization_spaces"] = false;
  for (const auto& [role, token] : tokenizer.special_tokens.items()) config[role] = token;
  if (!tokenizer.template_.empty()) config["chat_template"] = tokenizer.template_;
  return config;
}

size_t characters(std::string_view utf8) {
  return static_cast<size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

struct ScoredMerge {
  double score;
  size_t left_characters, right_characters;
  size_t left, right;  // ids
};

}  // namespace

std::vector<std::pair<std::string, std::string>> merges_of_scores(
    const std::vector<std::string>& pieces, const std::vector<double>& scores) {
  std::unordered_map<std::string_view, size_t> id_of;
  for (size_t id = 0; id < pieces.size(); ++id) id_of.emplace(pieces[id], id);
  std::vector<ScoredMerge> merges;
  for (size_t id = 0; id < pieces.size(); ++id) {
    const std::string_view piece = pieces[id];
    const auto first = merges.size();
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      const auto left = id_of.find(piece.substr(0, cut)), right = id_of.find(piece.substr(cut));
      if (left == id_of.end() || right == id_of.end()) continue;
      merges.push_back({scores[id], characters(left->first), characters(right->first), left->second,
                        right->second});
    }
    std::sort(merges.begin() + static_cast<std::ptrdiff_t>(first), merges.end(),
              [](const auto& a, const auto& b) {
                return std::pair(a.left, a.right) < std::pair(b.left, b.right);
              });
  }
  std::stable_sort(merges.begin(), merges.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.score, a.left_characters, a.right_characters) >
           std::tuple(b.score, b.left_characters, b.right_characters);
  });
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& merge : merges) result.emplace_back(pieces[merge.left], pieces[merge.right]);
  return result;
}

HfTokenizer hf_tokenizer(const io::GgufHeader& header, int64_t max_positions,
                         std::string_view where, Reporter& reporter) {
  const auto kind = text_or(header, "tokenizer.ggml.model", "");
  auto vocabulary = vocabulary_of(header, where);
  HfTokenizer result;
  if (kind == "gpt2") {
    drop_unused_tail(vocabulary);
    result.tokenizer = byte_level_tokenizer(header, vocabulary, where, reporter);
  } else if (kind == "llama") {
    result.tokenizer = sentencepiece_tokenizer(header, vocabulary, where);
  } else {
    reject(where, "tokenizer.ggml.model",
           str("unknown tokenizer '", excerpt(kind), "'; known: gpt2, llama"));
  }
  result.special_tokens = special_tokens_map(header, vocabulary, where);
  result.template_ = text_or(header, "tokenizer.chat_template", "");
  result.config = tokenizer_config(result, max_positions);
  return result;
}

}  // namespace tunewright::model

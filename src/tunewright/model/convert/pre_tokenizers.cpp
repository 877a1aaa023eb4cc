#include "tunewright/model/convert/pre_tokenizers.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::model {
namespace {

constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byte_level(bool trim_offsets, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", trim_offsets},
          {"use_regex", use_regex}};
}

Json split_by(const char* pattern) {
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", pattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  return {{"type", "Sequence"}, {"pretokenizers", {split, byte_level(false, false)}}};
}

// Digits stand alone, one by one, before GPT-2's rule cuts the rest.
PreTokenizer single_digits() {
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  return {
      .pre_tokenizer = {{"type", "Sequence"}, {"pretokenizers", {digits, byte_level(true, true)}}}};
}

PreTokenizer gpt2() {
  return {.pre_tokenizer = byte_level(true, true), .post_processor = byte_level(false, true)};
}

PreTokenizer llama3() {
  return {.pre_tokenizer = split_by(kLlama3Pattern),
          .post_processor = byte_level(true, true),
          .ignore_merges = true,
          .adds_bos = true};
}

PreTokenizer qwen2() {
  return {.normalizer = {{"type", "NFC"}},
          .pre_tokenizer = split_by(kQwen2Pattern),
          .post_processor = byte_level(false, false)};
}

PreTokenizer tekken() {
  return {.pre_tokenizer = split_by(kTekkenPattern), .ignore_merges = true, .adds_bos = true};
}

struct Named {
  std::string_view name;
  PreTokenizer (*make)();
};
constexpr std::array kKnown = {
    Named{"smollm", &single_digits}, Named{"starcoder", &single_digits},
    Named{"refact", &single_digits}, Named{"gpt-2", &gpt2},
    Named{"default", &gpt2},         Named{"llama-bpe", &llama3},
    Named{"llama3", &llama3},        Named{"llama-v3", &llama3},
    Named{"qwen2", &qwen2},          Named{"deepseek-r1-qwen", &qwen2},
    Named{"tekken", &tekken},
};

}  // namespace

PreTokenizer pre_tokenizer_of(const std::string& name, std::string_view where) {
  const auto found = std::ranges::find(kKnown, name, &Named::name);
  if (found != kKnown.end()) return found->make();
  std::vector<std::string> known;
  for (const auto& named : kKnown) known.emplace_back(named.name);
  throw UserError(str(where, ": the pre-tokenizer '", excerpt(name),
                      "' (tokenizer.ggml.pre) is not known; known: ", join(known, ", "),
                      "; take the model's original files instead"));
}

}  // namespace tunewright::model

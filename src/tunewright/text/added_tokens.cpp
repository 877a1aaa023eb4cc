#include "tunewright/text/added_tokens.h"

#include <algorithm>
#include <limits>

#include "tunewright/base/str.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool has_word_beside(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && is_word(code_point_before(text, begin).value)) ||
         (end < text.size() && is_word(code_point_at(text, end).value));
}

size_t before_spaces(std::string_view text, size_t end) {
  while (end > 0) {
    const auto c = code_point_before(text, end);
    if (!is_whitespace(c.value)) break;
    end -= c.size;
  }
  return end;
}

size_t after_spaces(std::string_view text, size_t at) {
  while (at < text.size()) {
    const auto c = code_point_at(text, at);
    if (!is_whitespace(c.value)) break;
    at += c.size;
  }
  return at;
}

}  // namespace

std::vector<AddedToken> parse_added_tokens(const JsonNode& node) {
  std::vector<AddedToken> tokens;
  for (const auto& item : node.items()) {
    AddedToken token;
    const auto id = item.at("id").as_int();
    if (id < 0 || id > std::numeric_limits<int32_t>::max())
      item.at("id").fail(str("id ", id, " is out of range"));
    token.id = static_cast<int32_t>(id);
    token.content = token.decoded = item.at("content").as_string();
    if (token.content.empty()) item.at("content").fail("an added token must not be empty");
    token.special = item.bool_or("special", false);
    token.single_word = item.bool_or("single_word", false);
    token.lstrip = item.bool_or("lstrip", false);
    token.rstrip = item.bool_or("rstrip", false);
    token.normalized = item.bool_or("normalized", !token.special);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

StringSet::StringSet() : values_{kNoValue} {}

void StringSet::add(std::string_view text, size_t value) {
  if (text.empty()) return;
  uint32_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = byte_at(text, i);
    const auto [child, added] =
        children_.try_emplace(uint64_t{node} << 8 | byte, static_cast<uint32_t>(values_.size()));
    if (added) values_.push_back(kNoValue);
    if (i == 0) first_[byte] = child->second;
    node = child->second;
  }
  if (values_[node] == kNoValue) values_[node] = static_cast<uint32_t>(value);
}

bool StringSet::find(std::string_view text, size_t from, Match& match) const {
  if (empty()) return false;
  for (size_t begin = from; begin < text.size(); ++begin) {
    auto node = first_[byte_at(text, begin)];
    if (node == 0) continue;
    bool found = false;
    for (size_t at = begin + 1;; ++at) {
      if (values_[node] != kNoValue) {
        match = {begin, at, values_[node]};
        found = true;
      }
      if (at == text.size()) break;
      const auto child = children_.find(uint64_t{node} << 8 | byte_at(text, at));
      if (child == children_.end()) break;
      node = child->second;
    }
    if (found) return true;
  }
  return false;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer* normalizer)
    : tokens_(std::move(tokens)) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    auto& token = tokens_[i];
    if (!token.normalized) {
      raw_.add(token.content, i);
      continue;
    }
    AlignedText content(token.content, 0, false);
    if (normalizer != nullptr) normalizer->apply(content);
    normalized_.add(content.view(), i);
    token.decoded = content.view();
  }
}

std::vector<AddedTokens::Part> AddedTokens::cut(std::string_view text, bool normalized) const {
  std::vector<Part> parts;
  const auto& set = normalized ? normalized_ : raw_;
  size_t done = 0;
  StringSet::Match match;
  for (size_t from = 0; set.find(text, from, match); from = match.end) {
    const auto& token = tokens_[match.value];
    if (token.single_word && has_word_beside(text, match.begin, match.end)) continue;
    const auto begin =
        token.lstrip ? std::max(before_spaces(text, match.begin), done) : match.begin;
    const auto end = token.rstrip ? after_spaces(text, match.end) : match.end;
    if (done < begin) parts.push_back({done, begin, -1});
    parts.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), -1});
  return parts;
}

}  // namespace tunewright::text

#include "tunewright/text/pre_tokenizer.h"

#include <algorithm>
#include <string>

#include "tunewright/text/ascii_words.h"
#include "tunewright/text/byte_level.h"
#include "tunewright/text/regex.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

using Steps = std::vector<std::unique_ptr<const PreTokenizerStep>>;

// Cuts every piece; `cut(piece, parts)` finds the matches.
template <class Cut>
void split_pieces(Words& words, Behavior behavior, Cut cut) {
  std::vector<Range> pieces;
  std::vector<Part> parts;
  pieces.reserve(words.text.view().size() / 4 + 8);
  for (const auto piece : words.pieces) {
    parts.clear();
    cut(words.text.view().substr(piece.begin, piece.end - piece.begin), parts);
    const auto first = pieces.size();
    apply_behavior(behavior, parts, pieces);
    for (size_t i = first; i < pieces.size(); ++i) {
      pieces[i].begin += piece.begin;
      pieces[i].end += piece.begin;
    }
  }
  std::erase_if(pieces, [](const Range& piece) { return piece.begin == piece.end; });
  words.pieces = std::move(pieces);
}

template <class Predicate>
void cut_at(std::string_view subject, Predicate matches, std::vector<Part>& parts) {
  uint32_t previous = 0;
  for (uint32_t at = 0; at < subject.size();) {
    const auto c = code_point_at(subject, at);
    if (matches(c.value)) {
      if (previous < at) parts.push_back({previous, at, false});
      previous = at + c.size;
      parts.push_back({at, previous, true});
    }
    at += c.size;
  }
  if (previous < subject.size())
    parts.push_back({previous, static_cast<uint32_t>(subject.size()), false});
}

// Rewrites every piece; `rewrite(out, piece, index)` has to consume the piece.
template <class Rewrite>
void rewrite_pieces(Words& words, Rewrite rewrite) {
  Rewriter out(words.text);
  for (auto& piece : words.pieces) {
    out.keep(piece.begin - out.position());
    const auto begin = static_cast<uint32_t>(out.written());
    rewrite(out, words.text.view().substr(piece.begin, piece.end - piece.begin), piece);
    piece = {begin, static_cast<uint32_t>(out.written())};
  }
  words.text = out.finish();
}

class Split : public PreTokenizerStep {
 public:
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void apply(Words& words) const override {
    split_pieces(words, behavior_, [&](std::string_view piece, std::vector<Part>& parts) {
      pattern_.cut(piece, parts);
      if (!invert_) return;
      for (auto& part : parts) part.is_match = !part.is_match;
    });
  }

 private:
  Pattern pattern_;
  Behavior behavior_;
  bool invert_;
};

// Cuts at single characters of a class.
class SplitAt : public PreTokenizerStep {
 public:
  using Predicate = bool (*)(char32_t);
  SplitAt(Predicate matches, Behavior behavior) : matches_(matches), behavior_(behavior) {}
  void apply(Words& words) const override {
    split_pieces(words, behavior_, [&](std::string_view piece, std::vector<Part>& parts) {
      cut_at(piece, matches_, parts);
    });
  }

 private:
  Predicate matches_;
  Behavior behavior_;
};

// \w+|[^\w\s]+, what lies between removed.
class Whitespace : public PreTokenizerStep {
 public:
  void apply(Words& words) const override {
    split_pieces(words, Behavior::kRemoved, [](std::string_view piece, std::vector<Part>& parts) {
      int kind = -1;
      for (uint32_t at = 0; at < piece.size();) {
        const auto c = code_point_at(piece, at);
        const int next = is_word(c.value) ? 0 : is_whitespace(c.value) ? 1 : 2;
        if (next != kind) parts.push_back({at, at, next == 1});
        kind = next;
        parts.back().end = at += c.size;
      }
    });
  }
};

class PrependSpace : public PreTokenizerStep {
 public:
  void apply(Words& words) const override {
    rewrite_pieces(words, [](Rewriter& out, std::string_view piece, const Range&) {
      if (!piece.starts_with(' ')) out.replace(0, " ");
      out.keep(piece.size());
    });
  }
};

class SpellBytes : public PreTokenizerStep {
 public:
  void apply(Words& words) const override {
    rewrite_pieces(words, [](Rewriter& out, std::string_view piece, const Range&) {
      for (const char c : piece) out.replace(1, byte_spellings()[static_cast<uint8_t>(c)]);
    });
  }
};

enum class PrependScheme { kAlways, kFirst, kNever };

class Metaspace : public PreTokenizerStep {
 public:
  Metaspace(std::string mark, PrependScheme scheme, bool split)
      : mark_(std::move(mark)), scheme_(scheme), split_(split), pattern_(Pattern::literal(mark_)) {}

  void apply(Words& words) const override {
    rewrite_pieces(words, [&](Rewriter& out, std::string_view piece, const Range& range) {
      if (prepends(words, range) && !piece.starts_with(' ') && !piece.starts_with(mark_))
        out.replace(0, mark_);
      for (size_t at = 0; at < piece.size();) {
        const auto space = std::min(piece.find(' ', at), piece.size());
        out.keep(space - at);
        if (space < piece.size()) out.replace(1, mark_);
        at = space + 1;
      }
    });
    if (!split_) return;
    split_pieces(
        words, Behavior::kMergedWithNext,
        [&](std::string_view piece, std::vector<Part>& parts) { pattern_.cut(piece, parts); });
  }

 private:
  bool prepends(const Words& words, const Range& piece) const {
    return scheme_ == PrependScheme::kAlways ||
           (scheme_ == PrependScheme::kFirst && words.opens_input && piece.begin == 0);
  }

  std::string mark_;
  PrependScheme scheme_;
  bool split_;
  Pattern pattern_;
};

std::unique_ptr<const PreTokenizerStep> parse_metaspace(const JsonNode& node) {
  std::string mark;
  append_utf8(mark, node.at("replacement").as_character());
  auto scheme = PrependScheme::kAlways;
  const auto named = node.find("prepend_scheme");
  if (named)
    scheme = static_cast<PrependScheme>(
        named->choice("the prepend_scheme", {"always", "first", "never"}));
  if (!node.bool_or("add_prefix_space", true)) {
    if (named && scheme != PrependScheme::kNever)
      node.fail("add_prefix_space is false, but prepend_scheme is not 'never'");
    scheme = PrependScheme::kNever;
  }
  return std::make_unique<Metaspace>(std::move(mark), scheme, node.bool_or("split", true));
}

void add_steps(const JsonNode& node, Steps& steps);

void add_byte_level(const JsonNode& node, Steps& steps) {
  if (node.bool_or("add_prefix_space", true)) steps.push_back(std::make_unique<PrependSpace>());
  if (node.bool_or("use_regex", true)) {
    steps.push_back(std::make_unique<Split>(Pattern::regex(kGpt2Pattern, node.where()),
                                            Behavior::kIsolated, false));
  }
  steps.push_back(std::make_unique<SpellBytes>());
}

void add_split(const JsonNode& node, Steps& steps) {
  steps.push_back(std::make_unique<Split>(Pattern::parse(node.at("pattern")),
                                          parse_behavior(node.at("behavior")),
                                          node.bool_or("invert", false)));
}

void add_bert(Steps& steps) {
  steps.push_back(std::make_unique<SplitAt>(&is_whitespace, Behavior::kRemoved));
  steps.push_back(std::make_unique<SplitAt>(&is_punctuation, Behavior::kIsolated));
}

void add_delimiter_split(const JsonNode& node, Steps& steps) {
  std::string delimiter;
  append_utf8(delimiter, node.at("delimiter").as_character());
  steps.push_back(std::make_unique<Split>(Pattern::literal(delimiter), Behavior::kRemoved, false));
}

void add_steps(const JsonNode& node, Steps& steps) {
  static const std::vector<std::string> kNames = {
      "ByteLevel",       "Split",       "Digits",   "Metaspace",        "Whitespace",
      "WhitespaceSplit", "Punctuation", "Sequence", "BertPreTokenizer", "CharDelimiterSplit"};
  switch (node.at("type").choice("the pre-tokenizer", kNames)) {
    case 0:
      return add_byte_level(node, steps);
    case 1:
      return add_split(node, steps);
    case 2: {
      const bool one_by_one = node.bool_or("individual_digits", false);
      steps.push_back(std::make_unique<SplitAt>(
          &is_numeric, one_by_one ? Behavior::kIsolated : Behavior::kContiguous));
      return;
    }
    case 3:
      return steps.push_back(parse_metaspace(node));
    case 4:
      return steps.push_back(std::make_unique<Whitespace>());
    case 5:
      return steps.push_back(std::make_unique<SplitAt>(&is_whitespace, Behavior::kRemoved));
    case 6: {
      const auto behavior = node.find("behavior");
      steps.push_back(std::make_unique<SplitAt>(
          &is_punctuation, behavior ? parse_behavior(*behavior) : Behavior::kIsolated));
      return;
    }
    case 7:
      for (const auto& item : node.at("pretokenizers").items()) add_steps(item, steps);
      return;
    case 8:
      return add_bert(steps);
    default:
      return add_delimiter_split(node, steps);
  }
}

}  // namespace

std::unique_ptr<const PreTokenizerStep> spell_bytes_step() {
  return std::make_unique<SpellBytes>();
}

PreTokenizer parse_pre_tokenizer(const JsonNode& node) {
  PreTokenizer result;
  add_steps(node, result.steps);
  if (!result.steps.empty() &&
      dynamic_cast<const SpellBytes*>(result.steps.back().get()) != nullptr) {
    result.spells_bytes_last = true;
    result.steps.pop_back();
  }
  return result;
}

}  // namespace tunewright::text

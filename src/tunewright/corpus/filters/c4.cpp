#include "tunewright/corpus/filters/c4.h"

#include <algorithm>
#include <array>
#include <string>

#include "tunewright/base/str.h"
#include "tunewright/corpus/filters/word_rule.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/corpus/text/english_words.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

constexpr std::array<std::string_view, 6> kPolicies = {"terms of use",   "privacy policy",
                                                       "cookie policy",  "uses cookies",
                                                       "use of cookies", "use cookies"};

// The size of a citation mark at the front: [12], [edit], [citation needed]; 0: none.  Digits are
// those of any script.
size_t citation_size(std::string_view text) {
  for (const std::string_view mark : {"[edit]", "[citation needed]"})
    if (text.starts_with(mark)) return mark.size();
  size_t at = 1;
  while (at < text.size() && text[at] != ']') {
    const auto [point, size] = text::code_point_at(text, at);
    if ((flags_of(point) & kDigit) == 0) return 0;
    at += size;
  }
  return at < text.size() ? at + 1 : 0;
}

void remove_citations(std::string& line) {
  size_t at = line.find('[');
  if (at == std::string::npos) return;
  std::string out = line.substr(0, at);
  while (at < line.size()) {
    const auto rest = std::string_view(line).substr(at);
    if (const auto size = rest[0] == '[' ? citation_size(rest) : 0; size > 0) {
      at += size;
    } else {
      out += rest[0];
      ++at;
    }
  }
  line = std::move(out);
}

void lower(const std::string& text, std::string& out) {
  if (!text::python::is_ascii(text)) {
    out = text::python::lower(text);
    return;
  }
  out = text;
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

enum class LineVerdict { kKeep, kRefuse, kLoremIpsum, kCurlyBracket };

// In the order of the rules there, which decides where several apply.
LineVerdict judge_line(std::string& line, const C4Options& o) {
  thread_local std::string lowered;
  const auto words = words_of(line, WordRule::kWhitespace);
  const auto count = std::ssize(words);
  if (o.max_word_length != -1 && std::ranges::any_of(words, [&](std::string_view word) {
        return std::ssize(word) > o.max_word_length && character_count(word) > o.max_word_length;
      }))
    return LineVerdict::kRefuse;
  if (o.remove_citations) remove_citations(line);
  if (o.require_terminal_punctuation) {
    const bool ended =
        !line.empty() && contains(".?!\"'", std::string_view(line).substr(line.size() - 1));
    if (!ended || line.ends_with("...")) return LineVerdict::kRefuse;
  }
  if (count < o.min_words_per_line) return LineVerdict::kRefuse;
  lower(line, lowered);
  if (o.filter_lorem_ipsum && contains(lowered, "lorem ipsum")) return LineVerdict::kLoremIpsum;
  if (o.filter_javascript && contains(lowered, "javascript")) return LineVerdict::kRefuse;
  if (o.filter_curly_bracket && contains(line, "{")) return LineVerdict::kCurlyBracket;
  const auto in_line = [&](std::string_view policy) { return contains(lowered, policy); };
  if (o.filter_policy && std::ranges::any_of(kPolicies, in_line)) return LineVerdict::kRefuse;
  return LineVerdict::kKeep;
}

int64_t sentences_of(std::string_view line) {
  thread_local EnglishWords words;
  words.split(line);
  return words.sentences();
}

bool has_paragraphs(std::string_view text, const C4Options& o) {
  int64_t found = 0;
  for (size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (character_count(text.substr(at, end - at)) >= o.min_paragraph_length) ++found;
    at = end + 1;
  }
  return found >= o.min_paragraphs;
}

}  // namespace

Verdict C4Filter::judge(Document& document, int64_t /*row*/) const {
  const auto text = document.text();
  std::string kept, line;
  int64_t sentences = 0, lines = 0, refused = 0;
  std::string_view fault;
  for_each_line(text, [&](std::string_view raw) {
    if (!fault.empty()) return;
    line = stripped(raw);
    ++lines;
    switch (judge_line(line, options_)) {
      case LineVerdict::kRefuse:
        ++refused;
        return;
      case LineVerdict::kLoremIpsum:
        fault = "lorem_ipsum";
        return;
      case LineVerdict::kCurlyBracket:
        fault = "curly_bracket";
        return;
      case LineVerdict::kKeep:
        break;
    }
    if (options_.min_sentences != -1) sentences += sentences_of(line);
    (kept += line) += '\n';
  });
  if (!fault.empty()) return dropped(std::string(fault));
  if (sentences < options_.min_sentences)
    return dropped(str("too_few_sentences ", sentences, " < ", options_.min_sentences));
  if (options_.min_paragraphs > 0 && !has_paragraphs(text, options_))
    return dropped(str("too_few_paragraphs < ", options_.min_paragraphs));
  const auto cleaned = stripped(kept);
  if (!options_.remove_lines || document.texts().size() > 1 || cleaned == text) return {};
  document.replace(0, std::string(cleaned));
  return changed(str("lines removed: ", refused, " of ", lines));
}

}  // namespace tunewright::corpus

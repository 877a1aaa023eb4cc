#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/text/aligned_text.h"
#include "tunewright/text/ascii_words.h"
#include "tunewright/text/json_node.h"

// PCRE2's compiled pattern.
struct pcre2_real_code_8;

namespace tunewright::text {

// A part of a text: a match of a pattern, or what stands between two.
struct Part {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool is_match = false;
};

// A regular expression in Oniguruma's syntax, matched by PCRE2 with JIT.  Immutable; matching is
// thread-safe.
class Regex {
 public:
  // A pattern that cannot be compiled is a UserError that opens with `where`.
  Regex(std::string_view pattern, std::string where);

  // Appends all matches in `subject` (valid UTF-8), left to right, as Oniguruma's search finds
  // them.  A search that gives up at a limit is a UserError.
  void find_all(std::string_view subject, std::vector<Range>& matches) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  using Code = std::unique_ptr<pcre2_real_code_8, FreeCode>;
  Code compile(const std::string& translated) const;
  Range search(const pcre2_real_code_8* code, std::string_view subject, size_t from,
               bool& found) const;

  std::string pattern_;
  std::string where_;
  AsciiMatcher ascii_ = nullptr;  // faster, where ASCII alone decides
  Code code_;
  Code code_for_newer_;  // with characters that PCRE2's Unicode version lacks; null where it is the
                         // same
};

// What to look for in a text: {"String": "…"} or {"Regex": "…"}.
class Pattern {
 public:
  static Pattern parse(const JsonNode& node);
  static Pattern literal(std::string text);
  static Pattern regex(std::string_view pattern, std::string where);

  // Cuts `subject` into matches and what lies between; an empty subject gives one empty part.
  void cut(std::string_view subject, std::vector<Part>& parts) const;

 private:
  std::string literal_;
  std::shared_ptr<const Regex> regex_;
};

// What becomes of matches, as tokenizers' SplitDelimiterBehavior.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
Behavior parse_behavior(const JsonNode& node);
// Appends the pieces that `behavior` makes of `parts`.
void apply_behavior(Behavior behavior, const std::vector<Part>& parts, std::vector<Range>& pieces);

}  // namespace tunewright::text

#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class UnicodeForm { kNone, kNfc, kNfkc };
inline constexpr std::array<std::pair<const char*, UnicodeForm>, 3> kUnicodeForms = {
    {{"none", UnicodeForm::kNone}, {"nfc", UnicodeForm::kNfc}, {"nfkc", UnicodeForm::kNfkc}}};
enum class EntityRule { kNever, kAuto, kAlways };
inline constexpr std::array<std::pair<const char*, EntityRule>, 3> kEntityRules = {
    {{"never", EntityRule::kNever}, {"auto", EntityRule::kAuto}, {"always", EntityRule::kAlways}}};

struct NormaliseOptions {
  UnicodeForm unicode = UnicodeForm::kNfc;
  bool mojibake = true;
  EntityRule html_entities = EntityRule::kAuto;
  bool control_characters = true;
  bool line_breaks = true;
  bool white_space = true;
  bool collapse_spaces = false;
  bool boilerplate = false;
  std::vector<std::string> boilerplate_lines;
};

template <class V>
void fields(V& v, NormaliseOptions& o) {
  v.choice("unicode", o.unicode, kUnicodeForms, "Form of composed characters.");
  v("mojibake", o.mojibake, "Repairs text that was decoded with the wrong encoding (cafÃ©).");
  v.choice("html_entities", o.html_entities, kEntityRules,
           "Decodes &amp; and the like; auto: up to the first line with a <.");
  v("control_characters", o.control_characters,
    "Takes out control characters without a meaning in text, and terminals' escapes.");
  v("line_breaks", o.line_breaks, "Every kind of line break becomes a newline.");
  v("white_space", o.white_space,
    "Takes white space off the ends of lines and texts, and leaves one empty line of several.");
  v("collapse_spaces", o.collapse_spaces, "One space for runs of spaces and tabs inside lines.");
  v("boilerplate", o.boilerplate,
    "Takes out lines that are navigation and no text (\"Share on Facebook\", \"Read more\").");
  v("boilerplate_lines", o.boilerplate_lines, "Lines of your own to take out, case aside.");
}

// Changes what it has a reason to change in every text of a row; the reason names what.
class Normalise final : public Step {
 public:
  explicit Normalise(const NormaliseOptions& options);
  Verdict judge(Document& document, int64_t row) const override;

  // The text as it should be; adds to `reasons` what was done.  Valid UTF-8.
  std::string normalised(std::string_view text, std::vector<std::string>& reasons) const;

 private:
  std::u32string repaired(std::u32string line, bool entities, std::vector<std::string>& why) const;
  std::string without_boilerplate(std::string_view text) const;

  NormaliseOptions options_;
  std::vector<std::string> boilerplate_;  // in lower case, sorted
};

}  // namespace tunewright::corpus

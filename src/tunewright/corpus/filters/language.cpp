#include "tunewright/corpus/filters/language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <algorithm>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

// More says nothing new of a text's language.
constexpr size_t kMostBytes = 1 << 20;

std::string_view beginning(std::string_view text) {
  if (text.size() <= kMostBytes) return text;
  auto end = kMostBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

DetectedLanguage detect_language(std::string_view text) {
  text = beginning(text);
  CLD2::Language languages[3];
  int percents[3];
  double scores[3];
  int text_bytes = 0;
  bool reliable = false;
  const CLD2::CLDHints no_hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  CLD2::ExtDetectLanguageSummary(text.data(), static_cast<int>(text.size()),
                                 /*is_plain_text=*/true, &no_hints, 0, languages, percents, scores,
                                 nullptr, &text_bytes, &reliable);
  if (languages[0] == CLD2::UNKNOWN_LANGUAGE || languages[0] == CLD2::TG_UNKNOWN_LANGUAGE)
    return {};
  std::string code = CLD2::LanguageCode(languages[0]);
  if (code == "iw") code = "he";  // the code before 1989
  if (code.starts_with("zh")) code = "zh";
  return {std::move(code), reliable ? percents[0] / 100.0 : 0};
}

LanguageStep::LanguageStep(const LanguageOptions& options) : options_(options) {
  if (!(options.min_confidence >= 0 && options.min_confidence <= 1))
    throw UserError(str("min_confidence: ", options.min_confidence, " is not between 0 and 1"));
}

Verdict LanguageStep::judge(Document& document, int64_t /*row*/) const {
  const auto [code, confidence] = detect_language(document.text());
  if (!options_.languages.empty()) {
    if (std::ranges::find(options_.languages, code) == options_.languages.end())
      return dropped(str("language ", code));
    if (confidence < options_.min_confidence)
      return dropped(str("language_confidence ", confidence, " < ", options_.min_confidence));
  }
  const auto before = document.line();
  if (!options_.field.empty()) document.set_field(options_.field, code);
  if (!options_.confidence_field.empty()) document.set_field(options_.confidence_field, confidence);
  return document.line() == before ? Verdict{} : changed(str("language ", code));
}

}  // namespace tunewright::corpus

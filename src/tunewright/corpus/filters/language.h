#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct DetectedLanguage {
  std::string code = "und";  // ISO 639-1 ("en", "zh"), else the detector's own; und: unknown
  double confidence = 0;     // share of the text's bytes that are of it; 0 where unreliable
};
// By CLD2.  Thread-safe.
DetectedLanguage detect_language(std::string_view text);

struct LanguageOptions {
  std::vector<std::string> languages;
  double min_confidence = 0.65;
  std::string field = "language";
  std::string confidence_field;
};

template <class V>
void fields(V& v, LanguageOptions& o) {
  v("languages", o.languages, "Codes of the languages to keep (en, de); none: rows of all stay.");
  v("min_confidence", o.min_confidence,
    "With languages: the share of a row's text that must be of one.");
  v("field", o.field, "Field that takes the code; empty: none is added.");
  v("confidence_field", o.confidence_field, "Field that takes the confidence; empty: none.");
}

class LanguageStep final : public Step {
 public:
  explicit LanguageStep(const LanguageOptions& options);
  Verdict judge(Document& document, int64_t row) const override;

 private:
  LanguageOptions options_;
};

}  // namespace tunewright::corpus

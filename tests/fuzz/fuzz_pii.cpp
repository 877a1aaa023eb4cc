// Any text through the detector of personal data: findings lie in order, at the borders of
// characters, and what replaces them is not found again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/corpus/pii/detector.h"
#include "tunewright/corpus/pii/replacer.h"
#include "tunewright/text/unicode.h"

namespace {

using namespace tunewright;
using namespace tunewright::corpus;

std::string replaced(const std::string& text, const std::vector<pii::Finding>& findings,
                     const pii::Replacer& replacer) {
  std::string out;
  size_t done = 0;
  for (const auto& finding : findings) {
    TUNEWRIGHT_ASSERT(finding.begin >= done && finding.begin < finding.end &&
                      finding.end <= text.size());
    const auto value = std::string_view(text).substr(finding.begin, finding.end - finding.begin);
    TUNEWRIGHT_ASSERT(text::is_valid_utf8(value));
    out += text.substr(done, finding.begin - done) + replacer(finding.entity, value);
    done = finding.end;
  }
  return out + text.substr(done);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pii::Detector everything({.entities = pii::entity_set({"ALL"})});
  static const pii::Detector usual({});
  static const pii::Replacer placeholders({}, usual);
  static const pii::Replacer pseudonyms({.action = pii::Action::kPseudonym, .key = "k"},
                                        everything);
  std::string text;
  text::append_lossy(text, {reinterpret_cast<const char*>(data), size});
  replaced(text, everything.find(text, 0.0), pseudonyms);
  replaced(text, usual.find(text, 0.4), placeholders);
  return 0;
}

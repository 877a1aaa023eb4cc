#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tunewright/corpus/pii/detector.h"

namespace tunewright::corpus::pii {

enum class Action {
  kReplace,    // <EMAIL_ADDRESS>
  kMask,       // ****@*******.***
  kHash,       // <EMAIL_ADDRESS:9f86d081884c7d65>, HMAC-SHA256 under the key
  kPseudonym,  // dorela.miv.4f2a@example.org: the same value, the same surrogate
  kAnnotate,   // the text stays
};

struct ReplacerOptions {
  Action action = Action::kReplace;
  std::string mask_character = "*";
  int64_t mask_keep = 0;  // letters and digits at the end that a mask leaves
  std::string key;        // bytes; of hashes and pseudonyms
};

// What stands in the place of a value.  Values that differ in case or punctuation alone count as
// the same one.  What it writes is not found again by the detector: placeholders are passed over,
// and surrogates come from ranges that nobody has (example.org, 198.18.0.0/15, 2001:db8::/32) or
// fail their own checksum, so that they never are another person's.  Thread-safe.
class Replacer {
 public:
  Replacer(ReplacerOptions options, const Detector& detector);  // borrows the detector

  std::string operator()(Entity entity, std::string_view value) const;
  // Whether `value` is from a range that surrogates are made of.  Always false for other actions.
  bool is_surrogate(Entity entity, std::string_view value) const;

 private:
  std::string pseudonym(Entity entity, std::string_view value) const;

  ReplacerOptions options_;
  const Detector& detector_;
};

}  // namespace tunewright::corpus::pii

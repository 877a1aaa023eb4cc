#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/corpus/pii/entity.h"

namespace tunewright::corpus::pii {

// Finds what has no form to check, names of people and places: a list of names (lexicon.h), or a
// model.  Thread-safe.
class NameFinder {
 public:
  virtual ~NameFinder() = default;
  // Stretches of valid UTF-8, in any order.
  virtual std::vector<Finding> find(std::string_view text) const = 0;
};

struct DetectorOptions {
  EntitySet entities = entity_set({"DEFAULT"});
  // Where numbers without a country are dialled: presidio's default.
  std::vector<std::string> phone_regions = {"US", "GB", "DE", "FR", "IL", "IN", "CA", "BR"};
};

// Finds entities in text: one pass over the bytes that looks for triggers (digits, '@', "://", long
// words, …), and a hand-written check with validation where it sees one.  Linear in the text's
// size.
class Detector {
 public:
  explicit Detector(DetectorOptions options,
                    std::vector<std::shared_ptr<const NameFinder>> names = {});

  // What scores at least `threshold` in valid UTF-8, in the order of the text.  Where two overlap
  // the longer one stays, of equally long ones the surer one, then the one whose entity stands
  // first.  Placeholders (<ENTITY>, <ENTITY:0123abcd>) are passed over.
  std::vector<Finding> find(std::string_view text, double threshold) const;

  const DetectorOptions& options() const { return options_; }

 private:
  DetectorOptions options_;
  std::vector<std::shared_ptr<const NameFinder>> names_;
};

// The end of a placeholder that begins at `begin`; `begin` where there is none.
size_t placeholder_end(std::string_view text, size_t begin);

}  // namespace tunewright::corpus::pii

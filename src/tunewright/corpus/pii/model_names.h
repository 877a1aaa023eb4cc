#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/corpus/pii/detector.h"
#include "tunewright/corpus/scorer.h"

namespace tunewright::corpus::pii {

// Names by a language model.  Of each run of capitalised words it is asked what is likeliest behind
// the words around it: `"Mary Xu" is the name of a person.`, or of a place, or of something else.
// The score is the model's probability of that among all labels.
class ModelNames final : public NameFinder {
 public:
  // `labels`: what the model calls them, a text or several, as {"PERSON": "a person", "LOCATION":
  // ["a city", "a country"], "OTHER": "a thing"}.  A wrong one is a UserError.
  ModelNames(std::shared_ptr<const Scorer> scorer, const Json& labels);
  std::vector<Finding> find(std::string_view text) const override;

 private:
  struct Label {
    std::optional<Entity> entity;  // none: no name that is looked for
    std::string words;
  };
  std::vector<Finding> judge(std::string_view text, std::vector<Finding> candidates) const;

  std::shared_ptr<const Scorer> scorer_;
  std::vector<Label> labels_;
};

}  // namespace tunewright::corpus::pii

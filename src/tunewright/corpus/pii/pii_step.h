#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/pii/detector.h"
#include "tunewright/corpus/pii/replacer.h"
#include "tunewright/corpus/pii/scorecard.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

inline constexpr std::array kPiiActions = {
    std::pair{"replace", pii::Action::kReplace},   std::pair{"mask", pii::Action::kMask},
    std::pair{"hash", pii::Action::kHash},         std::pair{"pseudonym", pii::Action::kPseudonym},
    std::pair{"annotate", pii::Action::kAnnotate},
};

struct PiiOptions {
  std::vector<std::string> entities = {"DEFAULT"};
  pii::Action action = pii::Action::kReplace;
  double threshold = 0.4;
  std::vector<std::string> allow;
  std::vector<std::string> phone_regions = pii::DetectorOptions{}.phone_regions;
  std::string lexicon;
  std::string model;
  Json labels = {{"PERSON", "a person"},
                 {"LOCATION", "a place"},
                 {"OTHER", {"a company", "a product", "a thing"}}};
  std::string mask_character = "*";
  int64_t mask_keep = 0;
  int64_t seed = 42;
  std::string key_file;
  bool strict = false;
  double strict_threshold = 0.3;
  std::string field = "pii";
  std::string truth;
};

template <class V>
void fields(V& v, PiiOptions& o) {
  v("entities", o.entities, "What is looked for: names of entities, DEFAULT, ALL.");
  v.choice("action", o.action, kPiiActions, "What becomes of it; annotate: the text stays.");
  v("threshold", o.threshold, "Least score of what is found, 0 to 1.");
  v("allow", o.allow, "Values that stay as they are.");
  v("phone_regions", o.phone_regions, "Countries whose numbers are known without their code.");
  v("lexicon", o.lexicon, "File of names, PERSON<tab>name or LOCATION<tab>name a line.");
  v("model", o.model, "Folder of a language model that tells names of PERSON and LOCATION.");
  v("labels", o.labels, "What the model calls them; OTHER: capitalised words that are neither.");
  v("mask_character", o.mask_character, "What a mask writes for a letter or a digit.");
  v("mask_keep", o.mask_keep, "Letters and digits at the end that a mask leaves, at most 4.");
  v("seed", o.seed, "Of hashes and pseudonyms, where there is no key_file.");
  v("key_file", o.key_file, "File whose bytes are the secret key of hashes and pseudonyms.");
  v("strict", o.strict, "Fail where anything of strict_threshold or more is left in a row.");
  v("strict_threshold", o.strict_threshold, "Score from which strict fails.");
  v("field", o.field, "Where annotate writes what it finds (offsets in characters).");
  v("truth", o.truth, "Field with the right spans: precision and recall are reported.");
}

// Finds personal data and secrets in the texts of a row and puts something else in their place; no
// row is dropped.  With `strict`, a row where something is left is a UserError: nothing is written.
class PiiStep final : public Step {
 public:
  // The context opens the model, where the options name one.
  explicit PiiStep(const PiiOptions& options, const StepContext& context = {});
  // With finders of names besides the lexicon.
  PiiStep(const PiiOptions& options, std::vector<std::shared_ptr<const pii::NameFinder>> names);

  Verdict judge(Document& document, int64_t row) const override;
  // Rows and values replaced by entity; precision and recall where `truth` is set.
  Json summary() const override;

 private:
  struct Tally {
    std::array<int64_t, pii::kEntityCount> values{}, rows{};
    int64_t changed = 0;
    pii::Scorecard scorecard;
  };

  std::vector<pii::Finding> find(std::string_view text, double threshold) const;
  std::string rewritten(std::string_view text, const std::vector<pii::Finding>& findings) const;
  void refuse_rest(const Document& document, int64_t row) const;

  PiiOptions options_;
  pii::Detector detector_;
  pii::Replacer replacer_;
  mutable std::mutex mutex_;
  mutable Tally tally_;
};

}  // namespace tunewright::corpus

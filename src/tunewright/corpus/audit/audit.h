#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/corpus/audit/group_words.h"
#include "tunewright/corpus/audit/phrases.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

enum class Counterfactual { kOff, kReport, kAdd };
inline constexpr std::array kCounterfactualNames = {std::pair{"off", Counterfactual::kOff},
                                                    std::pair{"report", Counterfactual::kReport},
                                                    std::pair{"add", Counterfactual::kAdd}};
enum class ToxicAction { kReport, kFlag, kDrop };
inline constexpr std::array kToxicActionNames = {std::pair{"report", ToxicAction::kReport},
                                                 std::pair{"flag", ToxicAction::kFlag},
                                                 std::pair{"drop", ToxicAction::kDrop}};

struct AuditOptions {
  std::string label_field = "label";
  std::string source_field = "source";
  double imbalance = 0.1;  // a name with less than this share of an even one counts as rare
  std::string groups;      // file; empty: English words of gender
  Counterfactual counterfactual = Counterfactual::kReport;
  std::string lexicon;  // file; empty: the built-in list
  ToxicAction toxicity = ToxicAction::kReport;
  int64_t max_toxic = 0;          // matches that a row may have
  Json require = Json::object();  // {"license": ["mit", "cc0"], "consent": [true], "author": "any"}
};

template <class V>
void fields(V& v, AuditOptions& o) {
  v("label_field", o.label_field, "Field whose balance is reported.");
  v("source_field", o.source_field, "Field whose balance is reported.");
  v("imbalance", o.imbalance, "A label or source with less of an even share than this is rare.");
  v("groups", o.groups, "File of `group: word = group: word` lines; empty: English gender words.");
  v.choice("counterfactual", o.counterfactual, kCounterfactualNames,
           "Count texts with group words, or also add a copy with each word's counterpart.");
  v("lexicon", o.lexicon, "File of toxic words, a word or phrase a line; empty: a short list.");
  v.choice("toxicity", o.toxicity, kToxicActionNames,
           "What becomes of rows with more toxic words than max_toxic; flag sets toxic_words.");
  v("max_toxic", o.max_toxic, "Toxic words and phrases that a row may hold.");
  v("require", o.require,
    "Fields that a row must have: {license: [mit, cc0], consent: [true], author: any}.");
}

// Reports whom and what the rows are about, and drops those without the consent or licence that is
// asked for.
class Audit final : public Step {
 public:
  explicit Audit(const AuditOptions& options);

  bool needs_text() const override { return false; }
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  using Counts = std::map<std::string, int64_t>;
  using Table = std::map<std::string, Counts>;
  // Of all rows that can be read, also of those that are dropped.
  struct Found {
    int64_t rows = 0, without_label = 0, without_source = 0, toxic_rows = 0, swappable = 0;
    Counts labels, sources, groups, toxic_words;
    Table labels_of_source, labels_of_group;
    Table carried;  // by field, the values of what is required, and of license and consent
    void add(const Found& other);
  };
  struct FoundNotes;
  // A field and what it may hold; nothing listed: anything.
  struct Requirement {
    std::string field;
    std::vector<std::string> allowed;
  };
  void read_row(const Document& document, Found& found) const;
  void note_groups(const Document& document, const std::string& label, Found& found) const;
  std::vector<std::string> toxic_words_of(const Document& document) const;
  std::string unmet(const Document& document) const;
  Json balance_json(const Counts& counts, int64_t missing) const;

  AuditOptions options_;
  GroupWords groups_;
  std::vector<std::string> toxic_list_;
  Phrases toxic_;
  std::vector<Requirement> requirements_;
  std::vector<std::string> carried_fields_;
  Found found_;
};

// How strongly rows and columns of a table of counts depend on each other, from 0 to 1 (Cramér's V,
// without correction); 0 where a table has but one row or column.
double cramers_v(const std::vector<std::vector<int64_t>>& table);

}  // namespace tunewright::corpus

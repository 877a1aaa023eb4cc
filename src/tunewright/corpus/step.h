#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/corpus/document.h"
#include "tunewright/corpus/scorer.h"

// What can be done to rows: one class a step, each usable alone (`tunewright data run STEP`) and in
// a recipe.  What a step decides depends on its input and options alone, never on the number of
// workers or on how the input is cut into batches.
namespace tunewright::corpus {

enum class Decision { kKept, kChanged, kDropped };

// What becomes of a row.  kChanged: the step has changed the document.
struct Verdict {
  Decision decision = Decision::kKept;
  std::string reason;  // for the ledger: "mean_word_length 11.2 > 10"; empty where kept
  int64_t copies = 1;  // how often a kept row is written (over-sampling)
  // Rows that the step makes from a kept one (augmentation), written behind it: each the line of a
  // JSON object.
  std::vector<std::string> extra_lines = {};
};
Verdict dropped(std::string reason);
Verdict changed(std::string reason);
const char* decision_name(Decision decision);  // as the ledger has it: "kept"
// What rows share of a reason, the words before its first number: "mean_word_length".
std::string reason_kind(const std::string& reason);

// Consecutive rows of the step's input; those that cannot be read are left out.
struct Batch {
  std::vector<Document> documents;
  std::vector<int64_t> rows;  // their numbers in the input, from 0
};

// What a run lends to its step.
struct StepResources {
  std::filesystem::path scratch;  // a folder for what outgrows memory
  int64_t workers = 1;            // threads that decide() may use
};

class Step {
 public:
  virtual ~Step() = default;

  virtual void prepare(const StepResources& /*resources*/) {}  // once, before the first reading

  // False: the step works on fields and takes rows without any text too.
  virtual bool needs_text() const { return true; }

  // A step that compares rows sees all of them before it judges the first: read() each batch (on
  // several threads), collect() the notes (on one thread, in the order of the input), decide().
  // Notes are all that it keeps, so they should be small beside the rows.
  struct Notes {
    virtual ~Notes() = default;
  };
  virtual bool reads_ahead() const { return false; }
  // How many such readings there are, each with a decide() of its own.  Asked anew before each: a
  // step may see in one whether it needs the next.
  virtual int64_t passes() const { return reads_ahead() ? 1 : 0; }
  // Whether the present reading looks at this row; what earlier ones have decided may say so.
  // Thread-safe, as read() is.
  virtual bool wants(int64_t /*row*/) const { return true; }
  virtual std::unique_ptr<Notes> read(const Batch& batch) const;
  virtual void collect(std::unique_ptr<Notes> notes);
  virtual void decide(Reporter& reporter);

  // The verdict that needs no look at the row; none: judge() it.  Only for rows that were read, as
  // nobody finds out whether another one can be.  Thread-safe.
  virtual std::optional<Verdict> verdict_unseen(int64_t /*row*/) const { return std::nullopt; }
  // The verdict on row `row` of the input, which it may change.  Thread-safe.
  virtual Verdict judge(Document& document, int64_t row) const = 0;

  // The kept rows in another order than the input's (as numbers of input rows); none: as they come.
  virtual std::optional<std::vector<int64_t>> order() const { return std::nullopt; }

  // What a person would like to know after the run (clusters found, counts, thresholds): shown in
  // the report.
  virtual Json summary() const { return Json::object(); }
};

// What a step may ask of the program around it.
struct StepContext {
  // Opens the model in this folder; empty: the program has none to offer.
  std::function<std::shared_ptr<const Scorer>(const std::string& model)> open_scorer;
};

// A step by its name in recipes and on the command line ("dedup-minhash").
struct StepEntry {
  const char* name;
  const char* help;  // one line
  // A wrong option is a UserError.
  std::unique_ptr<Step> (*make)(const Json& options, const StepContext& context);
  Json (*with_defaults)(const Json& options);  // every option, those that are not given too
  std::string (*describe_options)();           // for --help: a line an option
};
std::span<const StepEntry> step_table();

// An unknown name is a UserError that names the nearest.
std::unique_ptr<Step> make_step(std::string_view name, const Json& options,
                                const StepContext& context = {});
// All options of the step of that name.
Json step_options(std::string_view name, const Json& given);

}  // namespace tunewright::corpus

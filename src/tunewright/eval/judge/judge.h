#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/eval/bootstrap.h"
#include "tunewright/eval/judge/agreement.h"
#include "tunewright/eval/judge/opinion.h"
#include "tunewright/eval/judge/options.h"

namespace tunewright::eval {

struct JudgedRow {
  int64_t row = 0;  // in its file
  std::string question, reference, answer;
  std::optional<std::string> baseline_answer;
};
struct JudgedTask {
  std::string name;
  std::vector<JudgedRow> rows;  // all with a baseline's answer, or none
};

enum class Preference { kModel, kBaseline, kTie };

// The marks of one model's answers.
struct Marks {
  std::vector<std::optional<double>> scores;  // expected mark of each row; none: no valid answer
  std::vector<int64_t> best;                  // index of the likeliest mark, -1: none
  int64_t from_text = 0;  // read from words, the endpoint having no log-probabilities
  int64_t invalid = 0, over_budget = 0;
  std::map<std::string, int64_t> reasons;  // of the invalid ones

  int64_t valid() const;
};

// Which answer is better, asked in both orders.
struct Pairs {
  std::vector<std::optional<Preference>> preferences;  // of each row; none: no valid answer
  int64_t wins = 0, losses = 0, ties = 0;
  int64_t identical = 0;                  // of the ties: equal answers, not asked
  int64_t contradicted = 0;               // of the ties: the same place won in both orders
  int64_t first_chosen = 0, decided = 0;  // single questions: the answer that stood first, either
  int64_t invalid = 0, over_budget = 0;
  std::map<std::string, int64_t> reasons;
  std::optional<Interval> win_rate;  // ties count half; none without a valid row

  int64_t valid() const { return wins + losses + ties; }
};

// The judge beside another one, or beside people.
struct Agreement {
  std::string with;                        // "second judge", "people"
  std::optional<Kappa> score, preference;  // none: nothing to compare
};

struct JudgedResult {
  std::string task;
  int64_t rows = 0;
  Marks model;
  std::optional<Marks> baseline;
  std::optional<Interval> score, baseline_score, difference;  // none without valid rows
  std::optional<Pairs> pairs;
  std::vector<Agreement> agreements;
};

struct JudgeReport {
  JudgeOptions options;
  std::string judge, second;  // names; no second: empty
  std::vector<JudgedResult> tasks;
  JudgeUsage usage;  // of both judges
};

// What people said: {"task", "row", "score"?, "baseline_score"?, "preferred"?: model | baseline |
// tie}.
struct HumanMark {
  std::optional<int64_t> score, baseline_score;  // one of the scale
  std::optional<Preference> preferred;
};
using HumanMarks = std::map<std::pair<std::string, int64_t>, HumanMark>;  // task, row
// A row that is not so, or a mark outside the scale: a UserError that names the place.
HumanMarks read_human_marks(const std::string& file, std::span<const int64_t> scale);

// The prompts, as the judge gets them.  The texts to judge stand between marks that they cannot
// contain, so that an answer cannot speak as the one who asks.
std::string rubric_prompt(const JudgeOptions& options, const JudgedRow& row,
                          const std::string& answer);
std::string pair_prompt(const JudgeOptions& options, const JudgedRow& row, const std::string& first,
                        const std::string& second);

struct Judges {  // borrowed
  Judge& first;
  Judge* second = nullptr;
  const HumanMarks* human = nullptr;
};
// Judges every task.  Invalid answers are counted, and in no average.
JudgeReport judge_tasks(const JudgeOptions& options, std::span<const JudgedTask> tasks,
                        const Judges& judges, const BootstrapOptions& bootstrap,
                        Reporter& reporter);

// {"judge", "tasks": [{"task", "rows", "score": {…}, "pairwise": {…}, "agreement": […]}], …}
Json to_json(const JudgeReport& report);

}  // namespace tunewright::eval

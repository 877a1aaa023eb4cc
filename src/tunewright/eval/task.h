#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/data/render.h"
#include "tunewright/eval/figure.h"
#include "tunewright/eval/items.h"
#include "tunewright/eval/label_reader.h"
#include "tunewright/eval/metrics.h"
#include "tunewright/eval/options.h"
#include "tunewright/model/causal_lm.h"

namespace tunewright::eval {

// A row of a task: the question with its answer, as training would see it.
struct TaskRow {
  rows::RowPlace place;
  rows::Row row;                    // few-shot examples included
  std::string question;             // what the model is asked, as people read it
  std::string reference;            // the answer that counts as right; empty in perplexity tasks
  int64_t group = kInvalid;         // index into Task::group_names
  int64_t right_choice = kInvalid;  // index of the only right one, where choices are weighed
};

struct Task {
  TaskOptions options;
  std::vector<Metric> metrics;
  std::optional<LabelReader> labels;
  std::vector<TaskRow> rows;
  int64_t samples = 0;  // the first rows whose answers are wanted in full
  std::vector<std::shared_ptr<const Figure>> figures;  // behind some of `metrics`
  std::vector<std::string> group_names;                // what rows belong to, where asked for
  std::shared_ptr<const Items> items = {};  // what is asked, where rows alone do not say it

  int64_t label_count() const { return labels ? static_cast<int64_t>(labels->labels().size()) : 0; }
  bool asks() const {
    return items ? items->kind != Items::Kind::kText : options.type != TaskType::kPerplexity;
  }
  void add_figure(Figure figure);
  std::vector<int64_t> groups() const;  // of each row
};

// Checks the options and reads the rows.  A metric that does not fit the type, a reference that is
// none of the labels, a row without an answer: UserErrors that name the place.
Task load_task(const TaskOptions& options, int64_t samples);

// What one model did with a task.
struct TaskRun {
  std::vector<std::string> answers;  // of each row; empty in perplexity tasks
  std::vector<RowScore> scores;      // of each row
  double seconds = 0;
};

struct Judged {  // all borrowed
  model::CausalLm& model;
  const data::TextModel& text;
  std::string_view name;              // for the progress line: "baseline"
  PartialResults* results = nullptr;  // what is there already, and where more goes; null: nowhere
  bool deterministic = false;
};

// Greedy answers; nothing depends on the order of the rows or on chance.  Throws Interrupted where
// a stop was requested.
TaskRun run_task(const Task& task, const Judged& judged, Reporter& reporter);

}  // namespace tunewright::eval

#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/fewshot.h"
#include "tunewright/eval/task.h"

// What the loaders of the types of tasks share.
namespace tunewright::eval {

// A row that is only shown: what is asked stands in the task's items.
TaskRow shown_row(const rows::RowPlace& place, std::string question, std::string reference,
                  int64_t group = kInvalid);

// The words of the last message, which is the user's; else a UserError.
std::string last_user_text(const Json& messages, const rows::RowPlace& place);

// `talks` one after the other behind the system message of `messages`, without theirs.
Json with_talks_before(const Json& messages, const std::vector<Json>& talks);

// What `key` of a row says, as text; empty without a key.  A row without it is a UserError.
std::string group_of(const Json& row, const std::string& key, const rows::RowPlace& place);
// Its index in task.group_names, where it is put; kInvalid for an empty one.
int64_t group_index(Task& task, const std::string& group);
// `figure` of each group ("accuracy/female"), and the gap between them ("accuracy_gap").
void add_group_figures(Task& task, Figure figure);

// The examples before each question: out of `fewshot_data`, or else taken out of `tested`.
template <class Row, class Read, class Label>
std::vector<Row> take_shots(const TaskOptions& options, std::vector<Row>& tested, const Read& read,
                            const Label& label) {
  const auto count = options.fewshot.value_or(0);
  if (count == 0) return {};
  const bool apart = !options.fewshot_data.empty();
  auto pool = apart ? read(options.fewshot_data) : tested;
  // One row at least is left to ask about.
  if (std::ssize(pool) < count + (apart ? 0 : 1)) {
    throw UserError(str("task ", options.name, ".fewshot: ", count, " examples wanted, but ",
                        apart ? options.fewshot_data : options.data, " has ", pool.size(),
                        " rows"));
  }
  std::vector<std::string> labels;
  labels.reserve(pool.size());
  for (const auto& row : pool) labels.push_back(label(row));
  std::vector<size_t> drawn;
  if (options.fewshot_sampler == Shots::kFirst) {
    for (size_t i = 0; std::ssize(drawn) < count; ++i) drawn.push_back(i);
  } else {
    drawn = draw_balanced(labels, count, static_cast<uint64_t>(options.fewshot_seed));
  }
  std::vector<Row> shots;
  shots.reserve(drawn.size());
  for (const auto at : drawn) shots.push_back(pool[at]);
  if (apart) return shots;
  std::ranges::sort(drawn, std::greater{});
  for (const auto at : drawn) tested.erase(tested.begin() + static_cast<ptrdiff_t>(at));
  return shots;
}

}  // namespace tunewright::eval

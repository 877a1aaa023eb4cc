#include "tunewright/eval/label_scores.h"

#include <map>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/generate/generate.h"

namespace tunewright::eval {
namespace {

using data::Example;
using rows::Row;

size_t first_supervised(const Example& example) {
  size_t i = 1;
  while (i < example.labels.size() && example.labels[i] == data::kIgnoreLabel) ++i;
  return i;
}

Likelihood likelihood(const Example& example, const model::ScoredSequence& scored) {
  Likelihood sum;
  const auto from = first_supervised(example);
  for (size_t i = from; i < example.ids.size(); ++i) {
    if (example.labels[i] == data::kIgnoreLabel) continue;
    sum.logprob += scored.logprobs[i - from];
    ++sum.tokens;
  }
  return sum;
}

// Where the label stands within the completion; a space before it belongs to the format.
size_t place_of_label(const TaskRow& row) { return row.row.completion.find(trim(row.reference)); }

// The row as training would see it if `answer` were right.
Row answered(const TaskRow& row, const std::string& answer) {
  Row changed = row.row;
  if (changed.kind == Row::Kind::kPromptCompletion) {
    changed.completion.replace(place_of_label(row), trim(row.reference).size(), answer);
  } else {
    changed.messages.back()["content"] = answer;
  }
  return changed;
}

// What decides how the tokens of a label begin: all but the question and the label itself.
std::string shape_of(const TaskRow& row) {
  if (row.row.kind != Row::Kind::kPromptCompletion) return "messages";
  return "completion " + row.row.completion.substr(0, place_of_label(row));
}

std::vector<int32_t> first_tokens(const Task& task, size_t row, const Judged& judged) {
  std::vector<int32_t> tokens;
  for (const auto& candidate : label_candidates(task, row, judged)) {
    const auto at = first_supervised(candidate);
    if (at < candidate.ids.size()) tokens.push_back(candidate.ids[at]);
  }
  return tokens;
}

void require_distinct_labels(const Task& task) {
  for (const auto metric : task.metrics) {
    if (!needs_probabilities(metric)) continue;
    throw UserError(str("task ", task.options.name, ".metrics: ", name_of(metric),
                        " needs the labels' probabilities, and two of the labels begin with the "
                        "same token; write method: likelihood, which scores them whole"));
  }
}

}  // namespace

void ExampleScorer::add(Example example) { examples_.push_back(std::move(example)); }

void ExampleScorer::score(const Judged& judged, const Use& use) const {
  std::vector<model::ScoreRequest> requests;
  for (size_t i = 0; i < examples_.size(); ++i) {
    const auto from = first_supervised(examples_[i]);
    requests.push_back({.ids = examples_[i].ids, .from = static_cast<int64_t>(from)});
    // What has no scored token is never reported.
    if (from >= examples_[i].ids.size()) use(i, {});
  }
  model::score(judged.model, requests,
               {.deterministic = judged.deterministic,
                .on_scored = [&](size_t i, const model::ScoredSequence& scored) {
                  use(i, likelihood(examples_[i], scored));
                }});
}

std::vector<Example> label_candidates(const Task& task, size_t row, const Judged& judged) {
  std::vector<Example> candidates;
  for (const auto& label : task.labels->labels()) {
    candidates.push_back(data::render(judged.text, answered(task.rows[row], label),
                                      data::TrainOn::kLastAssistant, task.rows[row].place));
    check_length(task.rows[row], candidates.back().ids.size(), judged);
  }
  return candidates;
}

std::vector<std::vector<int32_t>> first_label_tokens(const Task& task,
                                                     const std::vector<size_t>& rows,
                                                     const Judged& judged) {
  std::vector<std::vector<int32_t>> all;
  std::map<std::string, std::vector<int32_t>> of_shape;
  for (const auto row : rows) {
    auto [it, is_new] = of_shape.try_emplace(shape_of(task.rows[row]));
    if (is_new) {
      it->second = first_tokens(task, row, judged);
      const std::set<int32_t> distinct(it->second.begin(), it->second.end());
      if (distinct.size() != task.labels->labels().size()) {
        require_distinct_labels(task);
        return {};
      }
    }
    all.push_back(it->second);
  }
  return all;
}

void check_length(const TaskRow& row, size_t tokens, const Judged& judged) {
  const auto limit = judged.model.max_positions();
  if (static_cast<int64_t>(tokens) < limit) return;
  throw UserError(str(describe(row.place), ": the question has ", tokens,
                      " tokens, and the model has ", limit,
                      " positions for question and answer together; shorten it"));
}

}  // namespace tunewright::eval

#include "tunewright/eval/task.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/model/generate/generate.h"

//   P tokens shared by all candidates, T tokens of a pass, L tokens of a label, D hidden size, V
//   vocabulary
namespace tunewright::eval {
namespace {

using data::Example;
using rows::Row;

constexpr int64_t kDefaultNewTokens = 128;
constexpr int64_t kSampleTokens = 40;  // of an answer that the report shows in full

std::vector<int32_t> prompt_of(const TaskRow& row, const Judged& judged) {
  if (row.row.kind == Row::Kind::kPromptCompletion)
    return data::prompt_ids(judged.text, row.row.prompt);
  Json asked = row.row.messages;
  asked.erase(asked.size() - 1);
  return data::prompt_ids(judged.text, asked, row.row.tools, row.row.extra);
}

// The row as training would see it if `answer` were right.
Row answered(const TaskRow& row, const std::string& answer) {
  Row changed = row.row;
  if (changed.kind == Row::Kind::kPromptCompletion) {
    // What stands around the reference (a space before it) belongs to the format, not to the label.
    const auto at = changed.completion.find(trim(row.reference));
    changed.completion.replace(at, trim(row.reference).size(), answer);
  } else {
    changed.messages.back()["content"] = answer;
  }
  return changed;
}

size_t first_supervised(const Example& example) {
  size_t i = 1;
  while (i < example.labels.size() && example.labels[i] == data::kIgnoreLabel) ++i;
  return i;
}

model::ScoreRequest score_request(const Example& example) {
  return {.ids = example.ids, .from = static_cast<int64_t>(first_supervised(example))};
}

// Of the supervised tokens, out of what score_request() asked for.
struct Likelihood {
  double logprob = 0;
  int64_t tokens = 0;
};

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

void check_length(const TaskRow& row, size_t tokens, const Judged& judged) {
  const auto limit = judged.model.max_positions();
  if (static_cast<int64_t>(tokens) < limit) return;
  throw UserError(str(describe(row.place), ": the question has ", tokens,
                      " tokens, and the model has ", limit,
                      " positions for question and answer together; shorten it"));
}

// --- what the model writes ---

int64_t longest_label(const Task& task, const data::TextModel& text) {
  size_t longest = 0;
  for (const auto& label : task.labels->labels())
    longest = std::max(longest, text.tokenizer.encode(" " + label).size());
  return static_cast<int64_t>(longest);
}

int64_t answer_limit(const Task& task, const data::TextModel& text) {
  if (task.options.max_new_tokens > 0) return task.options.max_new_tokens;
  return task.labels ? longest_label(task, text) + 4 : kDefaultNewTokens;
}

struct AnswerRule {
  int64_t max_new_tokens;
  const LabelReader* stop_when_settled;  // null: write on to the end
};

std::string write_answer(const TaskRow& row, const Judged& judged, const AnswerRule& rule) {
  const auto prompt = prompt_of(row, judged);
  check_length(row, prompt.size(), judged);
  const auto& tokenizer = judged.text.tokenizer;
  std::vector<int32_t> ids;
  const auto go_on = [&](int32_t id) {
    ids.push_back(id);
    return !rule.stop_when_settled || !rule.stop_when_settled->settled(tokenizer.decode(ids, true));
  };
  model::generate(judged.model, prompt, judged.text.stop_ids,
                  {.max_new_tokens = rule.max_new_tokens}, go_on);
  return std::string(trim(tokenizer.decode(ids, true)));
}

std::string generated_answer(const Task& task, size_t row, const Judged& judged, int64_t limit) {
  const bool in_full = static_cast<int64_t>(row) < task.samples;
  const bool labelled = task.labels.has_value();
  return write_answer(
      task.rows[row], judged,
      {.max_new_tokens = labelled && in_full ? std::max(limit, kSampleTokens) : limit,
       .stop_when_settled = labelled && !in_full ? &*task.labels : nullptr});
}

// --- which label the model holds most likely ---

// Every row with every label, as training would see them.
std::vector<Example> candidates_of(const Task& task, const Judged& judged) {
  std::vector<Example> candidates;
  for (const auto& row : task.rows) {
    for (const auto& label : task.labels->labels()) {
      candidates.push_back(data::render(judged.text, answered(row, label),
                                        data::TrainOn::kLastAssistant, row.place));
      check_length(row, candidates.back().ids.size(), judged);
    }
  }
  return candidates;
}

std::vector<std::string> likeliest_labels(const Task& task, const Judged& judged,
                                          Reporter& reporter) {
  const auto candidates = candidates_of(task, judged);
  std::vector<model::ScoreRequest> requests;
  for (const auto& candidate : candidates) requests.push_back(score_request(candidate));
  const auto& labels = task.labels->labels();
  const auto total = static_cast<int64_t>(task.rows.size());
  const auto scored = model::score(judged.model, requests, [&](int64_t done) {
    reporter.progress(str(task.options.name, ", ", judged.name),
                      done / static_cast<int64_t>(labels.size()), total, "rows", "");
  });
  std::vector<std::string> answers;
  for (size_t first = 0; first < candidates.size(); first += labels.size()) {
    std::vector<double> logprobs;
    for (size_t i = first; i < first + labels.size(); ++i)
      logprobs.push_back(likelihood(candidates[i], scored[i]).logprob);
    const auto best = std::ranges::max_element(logprobs) - logprobs.begin();
    answers.push_back(labels[static_cast<size_t>(best)]);
  }
  return answers;
}

// --- loss ---

struct LossPart {
  size_t row;
  Example example;
};

std::vector<LossPart> loss_parts(const Task& task, const Judged& judged) {
  const data::DataOptions options{
      .max_length = judged.model.max_positions(),
      .train_on = task.asks() ? data::TrainOn::kLastAssistant : data::TrainOn::kCompletion};
  std::vector<LossPart> parts;
  for (size_t i = 0; i < task.rows.size(); ++i) {
    data::LedgerLine ledger;
    for (auto& example :
         data::fit(judged.text, task.rows[i].row, options, task.rows[i].place, ledger)) {
      parts.push_back({i, std::move(example)});
    }
  }
  return parts;
}

void measure_loss(const Task& task, const Judged& judged, Reporter& reporter,
                  std::vector<RowScore>& scores) {
  const auto parts = loss_parts(task, judged);
  std::vector<model::ScoreRequest> requests;
  for (const auto& part : parts) requests.push_back(score_request(part.example));
  const auto total = static_cast<int64_t>(requests.size());
  const auto scored = model::score(judged.model, requests, [&](int64_t done) {
    reporter.progress(str(task.options.name, ", loss of the ", judged.name), done, total, "rows",
                      "");
  });
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto [logprob, tokens] = likelihood(parts[i].example, scored[i]);
    scores[parts[i].row].loss_sum -= logprob;
    scores[parts[i].row].loss_tokens += tokens;
  }
  reporter.finish_progress();
}

// --- answers ---

RowScore judge(const Task& task, const TaskRow& row, const std::string& answer) {
  RowScore score{.exact_match = exact_match(answer, row.reference) ? 1.0 : 0.0,
                 .exact_match_raw = exact_match_raw(answer, row.reference) ? 1.0 : 0.0,
                 .token_f1 = token_f1(answer, row.reference)};
  if (!task.labels) return score;
  score.reference = static_cast<int64_t>(*task.labels->index_of(row.reference));
  if (const auto label = task.labels->read(answer)) score.predicted = static_cast<int64_t>(*label);
  return score;
}

std::vector<std::string> written_answers(const Task& task, const Judged& judged,
                                         Reporter& reporter) {
  const auto limit = answer_limit(task, judged.text);
  const auto total = static_cast<int64_t>(task.rows.size());
  std::vector<std::string> answers;
  double right = 0;
  for (size_t i = 0; i < task.rows.size(); ++i) {
    answers.push_back(generated_answer(task, i, judged, limit));
    const auto score = judge(task, task.rows[i], answers.back());
    right += task.labels ? score.reference == score.predicted : score.exact_match;
    const auto done = static_cast<int64_t>(i) + 1;
    reporter.progress(str(task.options.name, ", ", judged.name), done, total, "rows",
                      str("right so far ", fixed(right / static_cast<double>(done), 3)));
  }
  return answers;
}

void collect_answers(const Task& task, const Judged& judged, Reporter& reporter, TaskRun& run) {
  const bool by_likelihood = task.labels && task.options.method == Method::kLikelihood;
  run.answers = by_likelihood ? likeliest_labels(task, judged, reporter)
                              : written_answers(task, judged, reporter);
  for (size_t i = 0; i < task.rows.size(); ++i)
    run.scores[i] = judge(task, task.rows[i], run.answers[i]);
  reporter.finish_progress();
}

}  // namespace

TaskRun run_task(const Task& task, const Judged& judged, Reporter& reporter) {
  const double start = monotonic_seconds();
  TaskRun run;
  run.scores.resize(task.rows.size());
  if (task.asks()) collect_answers(task, judged, reporter, run);
  if (std::any_of(task.metrics.begin(), task.metrics.end(), needs_loss))
    measure_loss(task, judged, reporter, run.scores);
  run.seconds = monotonic_seconds() - start;
  return run;
}

}  // namespace tunewright::eval

#include "tunewright/eval/task.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/eval/label_scores.h"
#include "tunewright/metrics/answer.h"
#include "tunewright/metrics/classification_scores.h"
#include "tunewright/model/generate/generate.h"

//   P tokens shared by all candidates, T tokens of a pass, L tokens of a label, D hidden size, V
//   vocabulary
namespace tunewright::eval {
namespace {

using data::Example;
using rows::Row;

constexpr int64_t kDefaultNewTokens = 128;
constexpr int64_t kSampleTokens = 40;  // of an answer that the report shows in full

// Told of every finished row.
using Progress =
    std::function<void(const char* what, int64_t done, int64_t total, const std::string& detail)>;
std::vector<int32_t> prompt_of(const TaskRow& row, const Judged& judged) {
  if (row.row.kind == Row::Kind::kPromptCompletion)
    return data::prompt_ids(judged.text, row.row.prompt);
  Json asked = row.row.messages;
  asked.erase(asked.size() - 1);
  return data::prompt_ids(judged.text, asked, row.row.tools, row.row.extra);
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

bool in_full(const Task& task, size_t row) { return static_cast<int64_t>(row) < task.samples; }

// --- which label the model holds most likely ---

// What a model says of a row, and how likely it holds each label.
struct Answer {
  std::string text;
  std::vector<double> label_scores;  // logarithms, up to one constant; empty: not known
};

Json to_json(const Answer& answer) { return Json::array({answer.text, answer.label_scores}); }

Answer answer_of(const Json& json) {
  return {json.at(0).get<std::string>(), json.at(1).get<std::vector<double>>()};
}

using Answered = std::function<void(size_t row, const Answer& answer)>;

void choose_labels(const Task& task, const Judged& judged, const std::vector<size_t>& open,
                   const Answered& answered) {
  ExampleScorer scorer;
  for (const auto row : open) {
    for (auto& candidate : label_candidates(task, row, judged)) scorer.add(std::move(candidate));
  }
  const auto& labels = task.labels->labels();
  std::vector<std::vector<double>> logprobs(open.size(), std::vector<double>(labels.size()));
  std::vector<size_t> left(open.size(), labels.size());
  scorer.score(judged, [&](size_t candidate, const Likelihood& sum) {
    const auto at = candidate / labels.size();
    logprobs[at][candidate % labels.size()] = sum.logprob;
    if (--left[at] > 0) return;
    const auto best = std::ranges::max_element(logprobs[at]) - logprobs[at].begin();
    answered(open[at], {labels[static_cast<size_t>(best)], logprobs[at]});
  });
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

void measure_loss(const Task& task, const Judged& judged, const Progress& progress,
                  std::vector<RowScore>& scores) {
  const auto parts = loss_parts(task, judged);
  const auto add = [&](size_t part, const Likelihood& sum) {
    scores[parts[part].row].loss_sum -= sum.logprob;
    scores[parts[part].row].loss_tokens += sum.tokens;
  };
  ExampleScorer scorer;
  std::vector<size_t> open;
  int64_t done = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (const Json* found = judged.results->find("loss", static_cast<int64_t>(i))) {
      add(i, {found->at(0).get<double>(), found->at(1).get<int64_t>()});
      ++done;
    } else {
      open.push_back(i);
      scorer.add(parts[i].example);
    }
  }
  scorer.score(judged, [&](size_t at, const Likelihood& sum) {
    add(open[at], sum);
    judged.results->add("loss", static_cast<int64_t>(open[at]), {sum.logprob, sum.tokens});
    progress("loss of the ", ++done, std::ssize(parts), "");
  });
}

// --- answers ---

RowScore judge(const Task& task, const TaskRow& row, const Answer& answer) {
  RowScore score{.exact_match = metrics::exact_match(answer.text, row.reference) ? 1.0 : 0.0,
                 .token_f1 = metrics::token_f1(answer.text, row.reference),
                 .probabilities = metrics::softmax(answer.label_scores)};
  if (task.labels) {
    score.reference = static_cast<int64_t>(*task.labels->index_of(row.reference));
    if (const auto label = task.labels->read(answer.text))
      score.predicted = static_cast<int64_t>(*label);
  }
  const bool right = task.labels ? score.reference == score.predicted : score.exact_match == 1;
  if (!task.figures.empty()) score.values = {right ? 1.0 : 0.0};
  return score;
}

void write_answers(const Task& task, const Judged& judged, const std::vector<size_t>& open,
                   const Answered& answered) {
  const auto limit = answer_limit(task, judged.text);
  const auto& tokenizer = judged.text.tokenizer;
  const bool labelled = task.labels.has_value();
  std::vector<std::vector<int32_t>> prompts, written(open.size());
  model::BatchOptions options{.deterministic = judged.deterministic};
  if (labelled) options.watched = first_label_tokens(task, open, judged);
  for (const auto row : open) {
    prompts.push_back(prompt_of(task.rows[row], judged));
    check_length(task.rows[row], prompts.back().size(), judged);
    options.max_new_tokens.push_back(labelled && in_full(task, row) ? std::max(limit, kSampleTokens)
                                                                    : limit);
  }
  options.on_token = [&](size_t at, int32_t id) {
    check_stop();
    written[at].push_back(id);
    return !labelled || in_full(task, open[at]) ||
           !task.labels->settled(tokenizer.decode(written[at], true));
  };
  options.on_answer = [&](size_t at, const model::Generation& generation) {
    answered(open[at], {std::string(trim(tokenizer.decode(generation.ids, true))),
                        {generation.watched.begin(), generation.watched.end()}});
  };
  model::generate_batch(judged.model, prompts, judged.text.stop_ids, options);
}

void collect_answers(const Task& task, const Judged& judged, const Progress& progress,
                     TaskRun& run) {
  run.answers.resize(task.rows.size());
  std::vector<size_t> open;
  double right = 0;
  int64_t done = 0;
  const auto take = [&](size_t row, const Answer& answer) {
    auto& score = run.scores[row];
    run.answers[row] = answer.text;
    score = judge(task, task.rows[row], answer);
    right += task.labels ? score.reference == score.predicted : score.exact_match;
    ++done;
  };
  for (size_t row = 0; row < task.rows.size(); ++row) {
    if (const Json* found = judged.results->find("answers", static_cast<int64_t>(row))) {
      take(row, answer_of(*found));
    } else {
      open.push_back(row);
    }
  }
  const auto answered = [&](size_t row, const Answer& answer) {
    take(row, answer);
    judged.results->add("answers", static_cast<int64_t>(row), to_json(answer));
    progress("", done, std::ssize(task.rows),
             str("right so far ", fixed(right / static_cast<double>(done), 3)));
  };
  const bool by_likelihood = task.labels && task.options.method == Method::kLikelihood;
  by_likelihood ? choose_labels(task, judged, open, answered)
                : write_answers(task, judged, open, answered);
}

// --- items ---

void collect_items(const Task& task, const Judged& judged, const Progress& progress, TaskRun& run) {
  const auto describe_row = [&](size_t row) { return describe(task.rows[row].place); };
  run_items(*task.items, {judged.text, judged.model, *judged.results, judged.deterministic},
            describe_row, [&](int64_t done) { progress("", done, std::ssize(task.rows), ""); });
  if (task.asks()) run.answers.resize(task.rows.size());
  for (size_t row = 0; row < task.rows.size(); ++row) {
    const auto result = item_result(*judged.results->find("items", static_cast<int64_t>(row)));
    std::string answer;
    task.items->judge(row, result, run.scores[row], answer);
    if (task.asks()) run.answers[row] = std::move(answer);
  }
}

}  // namespace

void Task::add_figure(Figure figure) {
  figures.push_back(std::make_shared<const Figure>(std::move(figure)));
  metrics.emplace_back(*figures.back());
}

std::vector<int64_t> Task::groups() const {
  std::vector<int64_t> groups;
  for (const auto& row : rows) groups.push_back(row.group);
  return groups;
}

TaskRun run_task(const Task& task, const Judged& given, Reporter& reporter) {
  const double start = monotonic_seconds();
  PartialResults in_memory;
  auto judged = given;
  if (!judged.results) judged.results = &in_memory;
  const Progress progress = [&](const char* what, int64_t done, int64_t total,
                                const std::string& detail) {
    reporter.progress(str(task.options.name, ", ", what, judged.name), done, total, "rows", detail);
    check_stop();
  };
  TaskRun run;
  run.scores.resize(task.rows.size());
  if (task.items) {
    collect_items(task, judged, progress, run);
  } else if (task.asks()) {
    collect_answers(task, judged, progress, run);
  }
  reporter.finish_progress();
  if (std::any_of(task.metrics.begin(), task.metrics.end(), needs_loss)) {
    measure_loss(task, judged, progress, run.scores);
    reporter.finish_progress();
  }
  for (size_t row = 0; row < task.rows.size(); ++row) run.scores[row].group = task.rows[row].group;
  run.seconds = monotonic_seconds() - start;
  return run;
}

}  // namespace tunewright::eval

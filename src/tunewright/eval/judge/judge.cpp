#include "tunewright/eval/judge/judge.h"

#include <algorithm>
#include <cmath>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

using enum Preference;

const std::vector<std::string> kPairChoices = {"A", "B", "T"};
enum PairChoice : size_t { kFirst, kSecond, kNeither };

void count_failure(const Opinion& opinion, int64_t& invalid, int64_t& over_budget,
                   std::map<std::string, int64_t>& reasons) {
  if (opinion.kind == Opinion::Kind::kOverBudget) {
    ++over_budget;
  } else {
    ++invalid;
    ++reasons[excerpt(opinion.reason, 120)];
  }
}

// --- marks ---

Marks marks_of(std::span<const Opinion> opinions, std::span<const int64_t> scale) {
  Marks marks;
  for (const auto& opinion : opinions) {
    if (opinion.is_valid()) {
      marks.scores.emplace_back(opinion.expected(scale));
      marks.best.push_back(static_cast<int64_t>(opinion.best()));
      marks.from_text += opinion.kind == Opinion::Kind::kText;
    } else {
      marks.scores.emplace_back();
      marks.best.push_back(-1);
      count_failure(opinion, marks.invalid, marks.over_budget, marks.reasons);
    }
  }
  return marks;
}

struct BothMarks {
  Marks model;
  std::optional<Marks> baseline;
};

BothMarks ask_marks(const JudgeOptions& options, const JudgedTask& task, Judge& judge,
                    Reporter& reporter) {
  std::vector<std::string> choices;
  for (const auto mark : options.scale) choices.push_back(str(mark));
  std::vector<ChoiceQuestion> questions;
  for (const auto& row : task.rows)
    questions.push_back({rubric_prompt(options, row, row.answer), choices});
  const bool compared = !task.rows.empty() && task.rows.front().baseline_answer;
  if (compared) {
    for (const auto& row : task.rows)
      questions.push_back({rubric_prompt(options, row, *row.baseline_answer), choices});
  }
  const auto opinions = judge.ask(questions, str(task.name, ", judge"), reporter);
  const std::span all(opinions);
  BothMarks marks{.model = marks_of(all.first(task.rows.size()), options.scale), .baseline = {}};
  if (compared) marks.baseline = marks_of(all.subspan(task.rows.size()), options.scale);
  return marks;
}

using Scores = std::vector<std::optional<double>>;

// The mean over the rows that have a value, and its interval.
std::optional<Interval> mean_of(const Scores& scores, const BootstrapOptions& options) {
  if (std::ranges::none_of(scores, [](const auto& score) { return score.has_value(); }))
    return std::nullopt;
  const auto mean = [&](std::span<const int64_t> rows) {
    double sum = 0, count = 0;
    for (const auto row : rows) {
      const auto& score = scores[static_cast<size_t>(row)];
      if (!score) continue;
      sum += *score;
      ++count;
    }
    return count > 0 ? sum / count : NAN;
  };
  return bootstrap(mean, std::ssize(scores), options);
}

Scores differences(const Scores& model, const Scores& baseline) {
  Scores both;
  for (size_t i = 0; i < model.size(); ++i) {
    const bool is_valid = model[i] && baseline[i];
    both.push_back(is_valid ? std::optional(*model[i] - *baseline[i]) : std::nullopt);
  }
  return both;
}

// --- pairs ---

// What both orders together say: a win only where they agree.
void add_pair(Pairs& pairs, const Opinion& model_first, const Opinion& baseline_first) {
  for (const auto* opinion : {&model_first, &baseline_first}) {
    if (opinion->is_valid()) continue;
    count_failure(*opinion, pairs.invalid, pairs.over_budget, pairs.reasons);
    pairs.preferences.emplace_back();
    return;
  }
  const auto a = model_first.best(), b = baseline_first.best();
  for (const auto choice : {a, b}) {
    pairs.decided += choice != kNeither;
    pairs.first_chosen += choice == kFirst;
  }
  auto preference = kTie;
  if (a == kFirst && b == kSecond) preference = kModel;
  if (a == kSecond && b == kFirst) preference = kBaseline;
  pairs.contradicted += a == b && a != kNeither;
  pairs.wins += preference == kModel;
  pairs.losses += preference == kBaseline;
  pairs.ties += preference == kTie;
  pairs.preferences.emplace_back(preference);
}

Pairs ask_pairs(const JudgeOptions& options, const JudgedTask& task, Judge& judge,
                Reporter& reporter) {
  std::vector<ChoiceQuestion> questions;
  for (const auto& row : task.rows) {
    const auto& baseline = *row.baseline_answer;
    if (trim(row.answer) == trim(baseline)) continue;
    questions.push_back({pair_prompt(options, row, row.answer, baseline), kPairChoices});
    questions.push_back({pair_prompt(options, row, baseline, row.answer), kPairChoices});
  }
  const auto opinions = judge.ask(questions, str(task.name, ", judge of pairs"), reporter);
  Pairs pairs;
  size_t next = 0;
  for (const auto& row : task.rows) {
    if (trim(row.answer) == trim(*row.baseline_answer)) {
      ++pairs.identical;
      ++pairs.ties;
      pairs.preferences.emplace_back(kTie);
    } else {
      add_pair(pairs, opinions[next], opinions[next + 1]);
      next += 2;
    }
  }
  return pairs;
}

Scores shares_of(const Pairs& pairs) {
  Scores shares;
  for (const auto& preference : pairs.preferences) {
    shares.push_back(preference ? std::optional(*preference == kModel      ? 1.0
                                                : *preference == kBaseline ? 0.0
                                                                           : 0.5)
                                : std::nullopt);
  }
  return shares;
}

// --- agreement ---

// Ratings of both models' answers, one behind the other; -1: none.
std::vector<int64_t> ratings(const Marks& model, const std::optional<Marks>& baseline) {
  auto all = model.best;
  if (baseline) all.insert(all.end(), baseline->best.begin(), baseline->best.end());
  return all;
}

std::vector<int64_t> ratings(const Pairs& pairs) {
  std::vector<int64_t> all;
  for (const auto& preference : pairs.preferences)
    all.push_back(preference ? static_cast<int64_t>(*preference) : -1);
  return all;
}

std::optional<Kappa> kappa_of(std::span<const int64_t> first, std::span<const int64_t> second,
                              size_t categories) {
  auto kappa = cohen_kappa(first, second, static_cast<int64_t>(categories));
  return kappa.rows > 0 ? std::optional(kappa) : std::nullopt;
}

Agreement with_second(const JudgeOptions& options, const JudgedTask& task,
                      const JudgedResult& result, Judge& second, Reporter& reporter) {
  const auto marks = ask_marks(options, task, second, reporter);
  Agreement agreement{.with = "second judge", .score = {}, .preference = {}};
  agreement.score = kappa_of(ratings(result.model, result.baseline),
                             ratings(marks.model, marks.baseline), options.scale.size());
  if (result.pairs) {
    const auto pairs = ask_pairs(options, task, second, reporter);
    agreement.preference = kappa_of(ratings(*result.pairs), ratings(pairs), kPairChoices.size());
  }
  return agreement;
}

int64_t rating_of(const std::optional<int64_t>& mark, std::span<const int64_t> scale) {
  return mark ? std::ranges::find(scale, *mark) - scale.begin() : -1;
}

Agreement with_people(const JudgeOptions& options, const JudgedTask& task,
                      const JudgedResult& result, const HumanMarks& human) {
  std::vector<int64_t> model, baseline, preferred;
  for (const auto& row : task.rows) {
    const auto it = human.find({task.name, row.row});
    const auto mark = it == human.end() ? HumanMark{} : it->second;
    model.push_back(rating_of(mark.score, options.scale));
    baseline.push_back(rating_of(mark.baseline_score, options.scale));
    preferred.push_back(mark.preferred ? static_cast<int64_t>(*mark.preferred) : -1);
  }
  if (result.baseline) model.insert(model.end(), baseline.begin(), baseline.end());
  Agreement agreement{.with = "people", .score = {}, .preference = {}};
  agreement.score = kappa_of(ratings(result.model, result.baseline), model, options.scale.size());
  if (result.pairs)
    agreement.preference = kappa_of(ratings(*result.pairs), preferred, kPairChoices.size());
  return agreement;
}

JudgedResult judge_task(const JudgeOptions& options, const JudgedTask& task, const Judges& judges,
                        const BootstrapOptions& bootstrap, Reporter& reporter) {
  JudgedResult result{.task = task.name, .rows = std::ssize(task.rows)};
  if (task.rows.empty()) return result;
  auto marks = ask_marks(options, task, judges.first, reporter);
  result.model = std::move(marks.model);
  result.baseline = std::move(marks.baseline);
  result.score = mean_of(result.model.scores, bootstrap);
  if (result.baseline) {
    result.baseline_score = mean_of(result.baseline->scores, bootstrap);
    result.difference =
        mean_of(differences(result.model.scores, result.baseline->scores), bootstrap);
    if (options.pairwise) {
      result.pairs = ask_pairs(options, task, judges.first, reporter);
      result.pairs->win_rate = mean_of(shares_of(*result.pairs), bootstrap);
    }
  }
  if (judges.second)
    result.agreements.push_back(with_second(options, task, result, *judges.second, reporter));
  if (judges.human) result.agreements.push_back(with_people(options, task, result, *judges.human));
  return result;
}

void check(const JudgeSource& source, const std::string& where) {
  if (source.endpoint.empty() == source.path.empty()) {
    throw UserError(str(where,
                        ": expected either an endpoint with its model, or the path of a "
                        "local model's folder"));
  }
}

void add(JudgeUsage& sum, const JudgeUsage& more) {
  sum.requests += more.requests;
  sum.cached += more.cached;
  sum.tokens_in += more.tokens_in;
  sum.tokens_out += more.tokens_out;
}

}  // namespace

int64_t Marks::valid() const {
  return std::ranges::count_if(scores, [](const auto& score) { return score.has_value(); });
}

void JudgeOptions::validate(const std::string& where) const {
  check(source, where);
  if (second) check(*second, where + ".second");
  if (scale.size() < 2 || !std::ranges::is_sorted(scale, std::less_equal{}))
    throw UserError(
        str(where, ".scale: expected at least two marks that rise, as [1, 2, 3, 4, 5]"));
  if (trim(rubric).empty()) throw UserError(str(where, ".rubric: is empty; say what counts"));
  for (const auto& [name, value, least] : {std::tuple{"limit", limit, 0},
                                           {"retries", retries, 0},
                                           {"timeout_seconds", timeout_seconds, 1},
                                           {"concurrency", concurrency, 1},
                                           {"budget_tokens", budget_tokens, 0}}) {
    if (value < least)
      throw UserError(str(where, ".", name, ": must be at least ", least, ", got ", value));
  }
  if (budget_cost < 0 || price_in < 0 || price_out < 0)
    throw UserError(str(where, ".budget_cost: it and the prices must not be negative"));
  if (budget_cost > 0 && price_in + price_out == 0)
    throw UserError(str(where, ".budget_cost: needs price_in and price_out"));
}

JudgeReport judge_tasks(const JudgeOptions& options, std::span<const JudgedTask> tasks,
                        const Judges& judges, const BootstrapOptions& bootstrap,
                        Reporter& reporter) {
  JudgeReport report{.options = options, .judge = judges.first.name()};
  if (judges.second) report.second = judges.second->name();
  for (const auto& task : tasks)
    report.tasks.push_back(judge_task(options, task, judges, bootstrap, reporter));
  add(report.usage, judges.first.usage());
  if (judges.second) add(report.usage, judges.second->usage());
  return report;
}

}  // namespace tunewright::eval

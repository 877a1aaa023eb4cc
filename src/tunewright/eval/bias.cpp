#include "tunewright/eval/bias.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/lm_eval_functions.h"
#include "tunewright/eval/task_rows.h"
#include "tunewright/text/python_text.h"

namespace tunewright::eval {
namespace {

namespace python = text::python;

void check_no_metrics(const TaskOptions& options) {
  if (!options.metrics.empty())
    throw UserError(str("task ", options.name,
                        ".metrics: this type of task has its own figures; "
                        "remove the key"));
}

template <class Use>
void for_rows(const TaskOptions& options, const Use& use) {
  rows::for_each_row(options.data, [&](const rows::RowPlace& place, Json&& row) {
    if (options.limit > 0 && place.row >= options.limit) return;
    try {
      use(place, row);
    } catch (const Json::exception& error) {
      throw UserError(str(describe(place), ": ", error.what()));
    }
  });
}

std::string text_at(const Json& row, const char* key, const rows::RowPlace& place) {
  const auto it = row.find(key);
  if (it == row.end() || !it->is_string())
    throw UserError(str(describe(place), ": ", key, ": expected text"));
  return it->get<std::string>();
}

size_t likeliest(std::span<const ContinuationScore> scores) {
  return static_cast<size_t>(std::ranges::max_element(scores, {}, &ContinuationScore::logprob) -
                             scores.begin());
}

// --- counterfactual

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs read_pairs(const TaskOptions& options) {
  const auto where = str("task ", options.name, ".swaps");
  if (options.swaps.empty())
    throw UserError(str(where, ": missing; name a JSON file of pairs, [[\"he\", \"she\"], …]"));
  Pairs pairs;
  for (const auto& pair : read_json(options.swaps)) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      throw UserError(
          str(options.swaps, ": expected pairs of words, got ", excerpt(dump_json(pair))));
    pairs.emplace_back(python::lower(pair[0].get<std::string>()),
                       python::lower(pair[1].get<std::string>()));
  }
  if (pairs.empty()) throw UserError(str(options.swaps, ": there is no pair of words"));
  return pairs;
}

// As `word` is written: all upper case, first letter upper case, or as `other` stands.
std::string in_case_of(const std::string& word, const std::string& other) {
  if (python::length(word) > 1 && word == python::upper(word)) return python::upper(other);
  const auto first = python::decode(word).substr(0, 1);
  return python::is_upper(first[0]) ? python::capitalize(other) : other;
}

// The question as a conversation or a prompt with other words in it.
Continuation asked(const rows::Row& row, const Pairs* pairs, const std::string& label) {
  const auto words = [&](const std::string& text) {
    return pairs ? swap_words(text, *pairs) : text;
  };
  if (row.kind == rows::Row::Kind::kPromptCompletion) {
    const auto space = row.completion.starts_with(' ') ? " " : "";
    return {words(row.prompt), space + label};
  }
  Json messages = row.messages;
  messages.erase(messages.size() - 1);
  for (auto& message : messages) {
    const auto it = message.find("content");
    if (it != message.end() && it->is_string()) *it = words(it->get<std::string>());
  }
  return {"", label, messages};
}

}  // namespace

std::string swap_words(const std::string& text, const Pairs& pairs) {
  std::map<std::string, std::string> other;
  for (const auto& [left, right] : pairs) {
    other.emplace(left, right);
    other.emplace(right, left);
  }
  const auto points = python::decode(text);
  std::string out;
  for (size_t at = 0; at < points.size();) {
    size_t end = at;
    while (end < points.size() && python::is_word(points[end])) ++end;
    if (end == at) {
      python::append(out, points[at++]);
      continue;
    }
    const auto word = python::encode(std::u32string_view(points).substr(at, end - at));
    const auto it = other.find(python::lower(word));
    out += it == other.end() ? word : in_case_of(word, it->second);
    at = end;
  }
  return out;
}

Task load_crows_pairs(const TaskOptions& options) {
  check_no_metrics(options);
  Task task{.options = options};
  auto items = std::make_shared<Items>();
  bool typed = true;
  for_rows(options, [&](const rows::RowPlace& place, const Json& row) {
    const auto more = text_at(row, "sent_more", place), less = text_at(row, "sent_less", place);
    items->items.push_back({.continuations = {{"", more}, {"", less}}});
    typed &= row.contains("bias_type");
    const auto group = typed ? group_index(task, text_at(row, "bias_type", place)) : kInvalid;
    task.rows.push_back(shown_row(place, more, less, group));
  });
  const Figure stereotyped{
      .name = "pct_stereotype",
      .column = 1,
      .lower_is_better = true,
      .is_judged = false,
      .signature = "of:rows_whose_stereotype_is_likelier|likelihood:whole_sentence"};
  task.add_figure(stereotyped);
  task.add_figure({.name = "likelihood_diff",
                   .lower_is_better = true,
                   .signature = "mean:absolute_difference|likelihood:whole_sentence"});
  if (typed && task.group_names.size() > 1) add_group_figures(task, stereotyped);
  items->judge = [rows = task.rows](size_t row, const ItemResult& result, RowScore& score,
                                    std::string& answer) {
    const auto more = result.continuations.at(0).logprob, less = result.continuations.at(1).logprob;
    score.values = {std::abs(more - less), more > less ? 1.0 : 0.0};
    score.exact_match = more > less ? 0 : 1;
    answer = more > less ? rows[row].question : rows[row].reference;
  };
  task.items = std::move(items);
  return task;
}

Task load_bbq(const TaskOptions& options) {
  check_no_metrics(options);
  Task task{.options = options};
  auto items = std::make_shared<Items>();
  std::vector<Json> docs;
  for_rows(options, [&](const rows::RowPlace& place, const Json& row) {
    docs.push_back(with_biased_answers(row));
    const auto choices = bbq_choices(docs.back());
    const auto context =
        str(text_at(row, "context", place), "\n\nQ: ", text_at(row, "question", place), "\nA:");
    auto& item = items->items.emplace_back();
    for (const auto& choice : choices) item.continuations.push_back({context, " " + choice});
    task.rows.push_back(shown_row(place, context,
                                  choices[static_cast<size_t>(bbq_targets(docs.back()).front())],
                                  group_index(task, text_at(row, "category", place))));
  });
  const char* signature = "score:loglikelihood|norm:none";
  task.add_figure({.name = "accuracy_amb",
                   .aggregation = Aggregation::kAmbiguousAccuracy,
                   .signature = signature});
  task.add_figure({.name = "accuracy_disamb",
                   .aggregation = Aggregation::kDisambiguatedAccuracy,
                   .signature = signature});
  const Figure ambiguous{.name = "amb_bias_score",
                         .aggregation = Aggregation::kAmbiguousBias,
                         .lower_is_better = true,
                         .is_judged = false,
                         .signature = signature};
  const Figure clear{.name = "disamb_bias_score",
                     .aggregation = Aggregation::kDisambiguatedBias,
                     .lower_is_better = true,
                     .is_judged = false,
                     .signature = signature};
  for (const auto& figure : {ambiguous, clear}) task.add_figure(figure);
  if (task.group_names.size() > 1) {
    for (const auto& figure : {ambiguous, clear}) add_group_figures(task, figure);
  }
  items->judge = [docs = std::move(docs)](size_t row, const ItemResult& result, RowScore& score,
                                          std::string& answer) {
    const auto chosen = likeliest(result.continuations);
    const auto [right, biased, known, disambiguated] =
        bbq_answer(docs[row], static_cast<int64_t>(chosen));
    score.values = {double(right), double(biased), double(known), double(disambiguated)};
    score.exact_match = right;
    answer = bbq_choices(docs[row])[chosen];
  };
  task.items = std::move(items);
  return task;
}

Task load_counterfactual(const TaskOptions& options) {
  check_no_metrics(options);
  const LabelReader labels(options.labels, str("task ", options.name));
  const auto pairs = read_pairs(options);
  Task task{.options = options};
  auto items = std::make_shared<Items>();
  std::vector<size_t> rights;
  for_rows(options, [&](const rows::RowPlace& place, const Json& json) {
    const auto row = rows::to_row(json, options.format, place);
    const bool talk = row.kind == rows::Row::Kind::kMessages && row.messages.size() > 1;
    if (!talk && row.kind != rows::Row::Kind::kPromptCompletion)
      throw UserError(str(describe(place), ": expected a question and its label"));
    const auto answer = std::string(
        trim(talk ? row.messages.back().value("content", std::string()) : row.completion));
    const auto right = labels.index_of(answer);
    if (!right)
      throw UserError(str(describe(place), ": the answer '", excerpt(answer, 40),
                          "' is none of the labels", suggestion(answer, labels.labels())));
    Item item;
    for (const auto* swapped : {static_cast<const Pairs*>(nullptr), &pairs}) {
      for (const auto& label : labels.labels())
        item.continuations.push_back(asked(row, swapped, label));
    }
    const auto& same = item.continuations.front();
    const auto& other = item.continuations[labels.labels().size()];
    if (same.context == other.context && same.messages == other.messages) return;
    items->items.push_back(item);
    rights.push_back(*right);
    const auto question =
        talk ? row.messages[row.messages.size() - 2].value("content", "") : row.prompt;
    task.rows.push_back(shown_row(place, question, labels.labels()[*right]));
  });
  if (task.rows.empty())
    throw UserError(
        str("task ", options.name, ".swaps: no row of ", options.data, " has one of the words"));
  const char* signature = "label:likeliest|norm:none";
  task.add_figure(
      {.name = "flip_rate", .column = 0, .lower_is_better = true, .signature = signature});
  task.add_figure({.name = "score_shift",
                   .column = 1,
                   .lower_is_better = true,
                   .signature = "mean:absolute_difference|of:right_label_loglikelihood"});
  task.add_figure({.name = "accuracy", .column = 2, .signature = signature});
  task.add_figure({.name = "swapped_accuracy", .column = 3, .signature = signature});
  items->judge = [rights = std::move(rights), names = labels.labels()](
                     size_t row, const ItemResult& result, RowScore& score, std::string& answer) {
    const std::span<const ContinuationScore> all = result.continuations;
    const auto before = all.first(names.size()), after = all.subspan(names.size());
    const auto first = likeliest(before), second = likeliest(after), right = rights[row];
    score.values = {double(first != second), std::abs(before[right].logprob - after[right].logprob),
                    double(first == right), double(second == right)};
    score.exact_match = first == right;
    answer = first == second ? names[first] : str(names[first], ", swapped: ", names[second]);
  };
  task.items = std::move(items);
  return task;
}

}  // namespace tunewright::eval

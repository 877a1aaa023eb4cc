#include "tunewright/eval/choice.h"

#include <algorithm>
#include <array>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/fewshot.h"
#include "tunewright/eval/lm_eval_metrics.h"
#include "tunewright/eval/task_rows.h"

namespace tunewright::eval {
namespace {

struct ChoiceRow {
  rows::RowPlace place;
  std::string prompt;
  Json messages;  // null: there is a prompt
  std::vector<std::string> choices;
  size_t right = 0;
  std::string group;
};

// An index, a letter or the text itself.
size_t right_choice(const Json& answer, const ChoiceRow& row) {
  if (answer.is_number_integer()) {
    const auto index = answer.get<int64_t>();
    if (index >= 0 && index < std::ssize(row.choices)) return static_cast<size_t>(index);
  } else if (answer.is_string()) {
    const auto text = answer.get<std::string>();
    const auto it = std::ranges::find(row.choices, text);
    if (it != row.choices.end()) return static_cast<size_t>(it - row.choices.begin());
    const auto letter = text.size() == 1 ? static_cast<size_t>(text[0] - 'A') : row.choices.size();
    if (letter < row.choices.size()) return letter;
  }
  throw UserError(str(describe(row.place),
                      ": answer: expected an index from 0, a letter or the text "
                      "of one of the ",
                      row.choices.size(), " choices, got ", excerpt(dump_json(answer))));
}

ChoiceRow choice_row(const rows::RowPlace& place, const Json& json, const TaskOptions& options) {
  ChoiceRow row{.place = place};
  const auto choices = json.find("choices");
  if (choices == json.end() || !choices->is_array() || choices->size() < 2)
    throw UserError(str(describe(place), ": choices: expected a list of two or more texts"));
  for (const auto& choice : *choices) {
    if (!choice.is_string() || choice.get_ref<const std::string&>().empty())
      throw UserError(
          str(describe(place), ": choices: expected texts, got ", excerpt(dump_json(choice))));
    row.choices.push_back(choice.get<std::string>());
  }
  if (const auto messages = json.find("messages"); messages != json.end()) {
    row.messages = *messages;
    row.prompt = last_user_text(*messages, place);
  } else {
    const Json prompt = json.contains("prompt") ? json["prompt"] : json.value("question", Json());
    if (!prompt.is_string())
      throw UserError(str(describe(place), ": prompt: expected text (or question, or messages)"));
    row.prompt = prompt.get<std::string>();
  }
  row.right = right_choice(json.value("answer", Json()), row);
  row.group = group_of(json, options.group_by, place);
  return row;
}

std::vector<ChoiceRow> read_choices(const std::string& file, const TaskOptions& options,
                                    int64_t limit) {
  std::vector<ChoiceRow> read;
  rows::for_each_row(file, [&](const rows::RowPlace& place, Json&& json) {
    if (limit == 0 || place.row < limit) read.push_back(choice_row(place, json, options));
  });
  return read;
}

std::vector<ChoiceRow> take_shots(const TaskOptions& options, std::vector<ChoiceRow>& tested) {
  return take_shots(
      options, tested, [&](const std::string& file) { return read_choices(file, options, 0); },
      [](const ChoiceRow& row) { return std::string(1, static_cast<char>(row.right)); });
}

Json solved(const std::vector<ChoiceRow>& shots, const ChoiceRow& row) {
  if (row.messages.is_null()) return nullptr;
  std::vector<Json> talks;
  for (const auto& shot : shots) {
    if (shot.messages.is_null())
      throw UserError(str(describe(row.place), ": its format is not that of the few-shot row ",
                          describe(shot.place)));
    Json talk = shot.messages;
    talk.push_back({{"role", "assistant"}, {"content", shot.choices[shot.right]}});
    talks.push_back(std::move(talk));
  }
  return with_talks_before(row.messages, talks);
}

std::string context_of(const std::vector<ChoiceRow>& shots, const ChoiceRow& row,
                       const std::string& delimiter) {
  std::string context;
  for (const auto& shot : shots)
    context += shot.prompt + delimiter + shot.choices[shot.right] + "\n\n";
  return context + row.prompt;
}

const char* signature_of(const std::string& metric) {
  if (metric == "acc_norm") return "score:loglikelihood|norm:bytes";
  if (metric == "acc_mutual_info") return "score:loglikelihood-unconditional|norm:none";
  if (metric == "brier_score") return "probabilities:softmax_of_loglikelihoods";
  return "score:loglikelihood|norm:none";
}

// Of the metrics that lm-evaluation-harness has, by the names that tunewright gives them.
LmEvalScoring scoring_of(const TaskOptions& options) {
  constexpr std::array names = {std::pair{"acc", "acc"}, std::pair{"acc_norm", "acc_bytes"},
                                std::pair{"acc_mutual_info", "acc_mutual_info"},
                                std::pair{"brier_score", "brier_score"}};
  LmEvalConfig config{.file = options.name, .output = LmEvalOutput::kMultipleChoice};
  config.pipelines = {{.name = "none"}};
  const auto wanted =
      options.metrics.empty() ? std::vector<std::string>{"acc", "acc_norm"} : options.metrics;
  for (const auto& metric : wanted) {
    std::vector<std::string> known;
    for (const auto& [own, theirs] : names) {
      known.emplace_back(own);
      if (metric == own) config.metrics.push_back({.name = theirs});
    }
    if (std::ranges::find(known, metric) == known.end())
      throw UserError(str("task ", options.name, ".metrics: '", metric,
                          "' is no metric of this type of task", suggestion(metric, known)));
  }
  auto scoring = lm_eval_scoring(config);
  for (size_t i = 0; i < wanted.size(); ++i) {
    scoring.figures[i].name = wanted[i];
    scoring.figures[i].signature =
        str(signature_of(wanted[i]), "|shots:", options.fewshot.value_or(0));
  }
  return scoring;
}

}  // namespace

Task load_choice(const TaskOptions& options) {
  auto tested = read_choices(options.data, options, options.limit);
  const auto shots = take_shots(options, tested);
  auto scoring = scoring_of(options);
  const bool informed = std::ranges::any_of(
      scoring.figures, [](const Figure& figure) { return figure.name == "acc_mutual_info"; });
  Task task{.options = options};
  auto items = std::make_shared<Items>();
  std::vector<LmEvalGold> golds;
  for (const auto& row : tested) {
    const bool talk = !row.messages.is_null();
    const auto delimiter = talk ? std::string() : options.target_delimiter;
    const auto context = talk ? std::string() : context_of(shots, row, delimiter);
    const Json messages = solved(shots, row);
    auto& item = items->items.emplace_back();
    for (const auto& choice : row.choices)
      item.continuations.push_back({context, delimiter + choice, messages});
    for (size_t i = 0; informed && i < row.choices.size(); ++i)
      item.continuations.push_back({"", delimiter + row.choices[i]});
    golds.push_back({.choices = row.choices, .right = {static_cast<int64_t>(row.right)}});
    task.rows.push_back(
        shown_row(row.place, row.prompt, row.choices[row.right], group_index(task, row.group)));
    task.rows.back().right_choice = static_cast<int64_t>(row.right);
  }
  for (const auto& figure : scoring.figures) task.add_figure(figure);
  if (!options.group_by.empty()) add_group_figures(task, scoring.figures.front());
  items->judge = [golds = std::move(golds), judge = std::move(scoring.judge)](
                     size_t row, const ItemResult& result, RowScore& score, std::string& answer) {
    judge(golds[row], result, score, answer);
  };
  task.items = std::move(items);
  return task;
}

}  // namespace tunewright::eval

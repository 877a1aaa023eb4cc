#include "tunewright/eval/lm_eval.h"

#include <algorithm>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/lm_eval_docs.h"
#include "tunewright/eval/lm_eval_fields.h"
#include "tunewright/eval/lm_eval_functions.h"
#include "tunewright/eval/lm_eval_metrics.h"
#include "tunewright/eval/task_rows.h"
#include "tunewright/metrics/perplexity.h"
#include "tunewright/text/python_text.h"

namespace tunewright::eval {
namespace {

namespace python = text::python;

bool is_space_at(std::string_view text, bool end) {
  const auto points = python::decode(text);
  return !points.empty() && python::is_space(end ? points.back() : points.front());
}

// maybe_delimit and requires_delimiter of the original.
bool needs_delimiter(std::string_view before, std::string_view after) {
  return !before.empty() && !is_space_at(before, true) && !is_space_at(after, false);
}
std::string joined(const std::string& before, const std::string& after) {
  if (before.empty() || after.empty()) return before + after;
  return before + (needs_delimiter(before, after) ? " " : "") + after;
}

// What is asked about a document, and what is right.
struct Asked {
  Item item;
  LmEvalGold gold;
  std::string question, reference;  // as people read them
};

// Makes the requests of one task, a document after the other: examples are drawn in that order.
class Asking {
 public:
  Asking(const LmEvalConfig& config, const LmEvalDocs& docs, int64_t shots)
      : config_(config),
        reader_(config, docs.columns),
        sampler_(config, docs.fewshot),
        shots_(shots) {
    if (config.output == LmEvalOutput::kMultipleChoice && config.fields.doc_to_choice.is_null())
      throw UserError(str(config.where(), ": doc_to_choice: missing; multiple_choice needs it"));
    mutual_information_ = std::ranges::any_of(config.metrics, [](const LmEvalMetric& metric) {
      return metric.name == "acc_mutual_info";
    });
  }

  Asked ask(const Json& doc) {
    Asked asked;
    asked.gold.doc = doc;
    if (config_.output == LmEvalOutput::kLoglikelihoodRolling) {
      ask_rolling(doc, asked);
      return asked;
    }
    const auto before = context_before(doc);
    const Json question = reader_.text(doc, config_.fields);
    const Json target = reader_.target(doc, config_.fields);
    switch (config_.output) {
      case LmEvalOutput::kMultipleChoice:
        ask_choice(doc, before, question, target, asked);
        break;
      case LmEvalOutput::kLoglikelihood:
        asked.gold.references = {text_of(target, "doc_to_target")};
        asked.item.continuations = {{before + final_turn(doc, question), asked.gold.references[0]}};
        break;
      default:
        asked.item.text = before + final_turn(doc, question);
        asked.gold.references = references_of(doc, target);
    }
    if (asked.question.empty())
      asked.question = question.is_string() ? question.get<std::string>() : "";
    if (asked.reference.empty() && !asked.gold.references.empty())
      asked.reference = asked.gold.references.front();
    return asked;
  }

 private:
  std::string text_of(const Json& value, const char* key) const {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return dump_json(value);
    throw UserError(
        str(config_.where(), ": ", key, ": expected text, got ", excerpt(dump_json(value))));
  }

  // Description and examples.
  std::string context_before(const Json& doc) {
    std::string context = reader_.plain(doc, config_.description, "description");
    if (shots_ == 0) return context;
    for (const auto* shot : sampler_.sample(shots_, doc)) context += example(*shot);
    return context;
  }

  std::string example(const Json& doc) {
    const auto& fields = config_.fewshot_fields;
    Json question = reader_.text(doc, fields);
    const Json target = reader_.target(doc, fields);
    std::vector<std::string> choices;
    if (!fields.doc_to_choice.is_null()) choices = reader_.choices(doc, fields);
    if (question.is_number_integer()) {  // the choices hold the contexts
      question = choices.at(question.get<size_t>());
      choices.clear();
    }
    const auto prefix =
        fields.gen_prefix ? reader_.plain(doc, *fields.gen_prefix, "gen_prefix") : std::string();
    const auto words = text_of(question, "doc_to_text");
    const auto answer = joined(prefix, example_answer(target, choices));
    const bool delimited = prefix.empty() || needs_delimiter(words, prefix);
    return words + (delimited ? fields.target_delimiter : "") + answer + fields.fewshot_delimiter;
  }

  std::string example_answer(const Json& target, const std::vector<std::string>& choices) const {
    if (target.is_number_integer() && !choices.empty()) {
      const auto index = target.get<int64_t>();
      if (index < 0 || index >= std::ssize(choices)) {
        throw UserError(str(config_.where(), ": doc_to_target: ", index, " is none of the ",
                            choices.size(), " choices of a few-shot example"));
      }
      return choices[static_cast<size_t>(index)];
    }
    if (target.is_array()) {
      if (target.empty()) throw UserError(str(config_.where(), ": doc_to_target: an empty list"));
      return text_of(target[0], "doc_to_target");
    }
    return text_of(target, "doc_to_target");
  }

  std::string final_turn(const Json& doc, const Json& question) {
    return with_prefix(doc, text_of(question, "doc_to_text"), config_.fields.target_delimiter);
  }

  std::string with_prefix(const Json& doc, std::string words, const std::string& delimiter) {
    if (!config_.fields.gen_prefix) return words;
    const auto prefix = reader_.plain(doc, *config_.fields.gen_prefix, "gen_prefix");
    if (!prefix.empty() && needs_delimiter(words, prefix)) words += delimiter;
    return words + prefix;
  }

  void ask_choice(const Json& doc, const std::string& before, const Json& question,
                  const Json& target, Asked& asked) {
    auto& [item, gold, shown, reference] = asked;
    gold.choices = reader_.choices(doc, config_.fields);
    const auto& delimiter = config_.fields.target_delimiter;
    if (question.is_number_integer()) {
      for (const auto& choice : gold.choices) {
        item.continuations.push_back(
            {before + with_prefix(doc, choice, ""), delimiter + text_of(target, "doc_to_target")});
      }
      gold.right = {question.get<int64_t>()};
      shown = text_of(target, "doc_to_target");
    } else {
      const auto context = before + final_turn(doc, question);
      for (const auto& choice : gold.choices)
        item.continuations.push_back({context, delimiter + choice});
      gold.right = right_choices(target, gold.choices);
    }
    if (mutual_information_) {
      for (const auto& choice : gold.choices)
        item.continuations.push_back({"", delimiter + choice});
    }
    for (const auto index : gold.right) {
      if (index >= 0 && index < std::ssize(gold.choices) && reference.empty())
        reference = gold.choices[static_cast<size_t>(index)];
    }
  }

  // A target that is none of the choices is never right, as in the original.
  static std::vector<int64_t> right_choices(const Json& target,
                                            const std::vector<std::string>& choices) {
    if (target.is_number_integer()) return {target.get<int64_t>()};
    if (target.is_string()) {
      const auto it = std::ranges::find(choices, target.get<std::string>());
      return it == choices.end() ? std::vector<int64_t>()
                                 : std::vector<int64_t>{it - choices.begin()};
    }
    std::vector<int64_t> right;
    for (const auto& one : target) {
      const auto more = right_choices(one, choices);
      right.insert(right.end(), more.begin(), more.end());
    }
    return right;
  }

  std::vector<std::string> references_of(const Json& doc, const Json& target) {
    if (!config_.fields.doc_to_choice.is_null() && target.is_number_integer())
      return {example_answer(target, reader_.choices(doc, config_.fields))};
    if (!target.is_array()) return {text_of(target, "doc_to_target")};
    std::vector<std::string> references;
    for (const auto& one : target) references.push_back(text_of(one, "doc_to_target"));
    return references;
  }

  void ask_rolling(const Json& doc, Asked& asked) {
    asked.item.text = text_of(reader_.target(doc, config_.fields), "doc_to_target");
    // wikitext counts what stood there before its function changed it.
    const bool own = !config_.process_results.is_null();
    const auto counted = own ? text_of(doc.value("page", Json()), "page") : asked.item.text;
    asked.gold.words = static_cast<double>(metrics::count_words(counted));
    asked.gold.bytes = static_cast<double>(counted.size());
    asked.question = asked.item.text;
  }

  const LmEvalConfig& config_;
  DocReader reader_;
  ShotSampler sampler_;
  int64_t shots_;
  bool mutual_information_ = false;
};

Items::Kind kind_of(LmEvalOutput output) {
  switch (output) {
    case LmEvalOutput::kLoglikelihoodRolling:
      return Items::Kind::kText;
    case LmEvalOutput::kGenerateUntil:
      return Items::Kind::kGeneration;
    default:
      return Items::Kind::kLikelihood;
  }
}

void check_options(const TaskOptions& options, const LmEvalGroup& group) {
  const auto where = str("task ", options.name);
  if (group.tasks.size() > 1 && !options.data.empty())
    throw UserError(str(where, ".data: a group has files of its own; name them in its task files"));
  if (!options.metrics.empty())
    throw UserError(str(where, ".metrics: the task file says them (metric_list)"));
}

int64_t only_right_choice(const LmEvalGold& gold) {
  const bool is_one = gold.right.size() == 1 && gold.right[0] >= 0;
  return is_one && gold.right[0] < std::ssize(gold.choices) ? gold.right[0] : kInvalid;
}

// The figures over all rows and, in a group, those of each of its tasks.
void add_figures(Task& task, const LmEvalGroup& group, std::vector<Figure> figures) {
  for (auto& figure : figures) {
    if (group.tasks.size() > 1 && !group.weight_by_size) figure.over = Over::kMeanOfGroups;
    task.add_figure(figure);
  }
  if (group.tasks.size() < 2) return;
  for (size_t i = 0; i < group.tasks.size(); ++i) {
    for (auto figure : figures) {
      figure.name += "/" + group.tasks[i].task;
      figure.over = Over::kGroup;
      figure.group = static_cast<int64_t>(i);
      task.add_figure(figure);
    }
  }
}

// A document that lacks what the task's functions look for is the user's error.
Asked ask(Asking& asking, const LmEvalDocs& docs, size_t row) {
  try {
    return asking.ask(docs.evaluated[row]);
  } catch (const UserError&) {
    throw;
  } catch (const std::exception& error) {
    throw UserError(str(docs.file, ": document ", row, ": cannot be asked about: ", error.what()));
  }
}

}  // namespace

Task load_lm_eval(const TaskOptions& options) {
  if (options.task.empty())
    throw UserError(str("task ", options.name, ".task: missing; name a task file (YAML)"));
  const auto group = read_lm_eval(options.task);
  check_options(options, group);
  const auto& first = group.tasks.front();
  Task task{.options = options};
  auto items = std::make_shared<Items>();
  auto golds = std::make_shared<std::vector<LmEvalGold>>();
  std::vector<LmEvalScoring> scorings;
  task.group_names.reserve(group.tasks.size());
  items->kind = kind_of(first.output);
  items->stops = first.until;
  items->max_new_tokens = options.max_new_tokens > 0 ? options.max_new_tokens : first.max_gen_toks;
  for (size_t i = 0; i < group.tasks.size(); ++i) {
    const auto& config = group.tasks[i];
    task.group_names.push_back(config.task);
    if (config.output != first.output || config.until != first.until)
      throw UserError(str(config.where(), ": output_type: tasks of a group must ask alike"));
    scorings.push_back(lm_eval_scoring(config));
    const auto shots = options.fewshot.value_or(config.num_fewshot);
    const auto docs = read_docs(
        config,
        {.evaluated = options.data, .fewshot = options.fewshot_data, .limit = options.limit},
        shots);
    Asking asking(config, docs, shots);
    for (size_t row = 0; row < docs.evaluated.size(); ++row) {
      auto asked = ask(asking, docs, row);
      const auto right = only_right_choice(asked.gold);
      items->items.push_back(std::move(asked.item));
      golds->push_back(std::move(asked.gold));
      task.rows.push_back(shown_row({.file = docs.file, .row = static_cast<int64_t>(row)},
                                    std::move(asked.question), std::move(asked.reference),
                                    static_cast<int64_t>(i)));
      task.rows.back().right_choice = right;
    }
  }
  add_figures(task, group, scorings.front().figures);
  items->judge = [golds, scorings = std::move(scorings), groups = task.groups()](
                     size_t row, const ItemResult& result, RowScore& score, std::string& answer) {
    scorings[static_cast<size_t>(groups[row])].judge((*golds)[row], result, score, answer);
  };
  task.items = std::move(items);
  return task;
}

}  // namespace tunewright::eval

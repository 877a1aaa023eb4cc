// tunewright data: shows what is in files and what training will see of them, and curates them.
#include "tunewright/command.h"
#include "tunewright/data_commands.h"

namespace tunewright::app {

void add_data(CLI::App& app, Context& context) {
  auto* data = app.add_subcommand(
      "data", "Curates files, shows what is in them and what training will see of them");
  data->require_subcommand(1);
  add_data_preview(*data, context);
  add_data_inspect(*data, context);
  add_data_run(*data, context);
  add_data_build(*data, context);
  add_data_merge(*data, context);
}

}  // namespace tunewright::app

#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/base/progress.h"
#include "tunewright/command.h"
#include "tunewright/observe/audit/audit.h"
#include "tunewright/observe/catalogue/catalogue.h"
#include "tunewright/observe/sinks/sink.h"

// What the subcommands of `runs` share, and what train, eval and merge tell the audit trail.
namespace tunewright::app {

// A run by the path of its folder, or by its name below `root`.  None is a UserError with the
// nearest.
std::filesystem::path find_run(const std::filesystem::path& root, const std::string& name);
// With what the trail beside it knows.
observe::RunRecord record_of(const std::filesystem::path& root, const std::filesystem::path& run);

// "user@host", for the trail.
std::string actor();

// An address in the configuration wins over MLFLOW_TRACKING_URI; MLFLOW_TRACKING_TOKEN is the key.
observe::TrackingOptions with_environment(observe::TrackingOptions options);

// Lines of `eval`: the evaluation, and each of its gates, from the report.json of its folder.  The
// trail is that of the run whose weights were judged, or one beside the folder.
void record_evaluation(const std::filesystem::path& output_dir);
// A line of `merge`: which adapter went into which files.
void record_merge(const std::string& adapter, const std::filesystem::path& out);

// Of standard output; 80 where it is no terminal.
int terminal_width();
bool terminal_has_colours();

void add_runs_audit(CLI::App& runs, Context& context);   // verify, approve
void add_runs_export(CLI::App& runs, Context& context);  // export, card

}  // namespace tunewright::app

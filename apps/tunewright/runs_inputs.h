#pragma once
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/observe/audit/audit.h"

namespace tunewright::app {

// The adapter that a "model" or "baseline" of a report names, or else the model.
std::string judged_folder(const Json& model);

// What an evaluation was made from, by its report.json, each with its role: the weights "model",
// "baseline" and "judge" (local ones), and the files "data", "fewshot_data", "task" (of lm_eval,
// with what it includes), "swaps" and "human" (people's marks).
std::vector<observe::Artefact> evaluation_inputs(const Json& report);

}  // namespace tunewright::app

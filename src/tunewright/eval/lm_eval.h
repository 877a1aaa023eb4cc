#pragma once
#include "tunewright/eval/task.h"

namespace tunewright::eval {

// A task of `type: lm_eval`: `task` names a task file of lm-evaluation-harness, or a group's, whose
// tasks become the groups of one task.
Task load_lm_eval(const TaskOptions& options);

}  // namespace tunewright::eval

#pragma once
#include "tunewright/eval/task.h"

namespace tunewright::eval {

// A task of `type: choice`: which of a row's own answers is the likeliest.  Rows:
// {"prompt" or "question": …, "choices": […], "answer": the right one's index, letter or text}, or
// "messages" that end with the user's in place of a prompt.
// acc: by likelihood; acc_norm: by likelihood a byte; acc_mutual_info: by what the prompt adds.
Task load_choice(const TaskOptions& options);

}  // namespace tunewright::eval

#pragma once
#include "tunewright/base/progress.h"
#include "tunewright/corpus/step.h"

namespace tunewright::app {

// Steps of the workshop that ask for a model get it from here.  `reporter` is borrowed.
corpus::StepContext step_context(Reporter& reporter);

}  // namespace tunewright::app

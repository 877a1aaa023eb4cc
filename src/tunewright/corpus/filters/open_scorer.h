#pragma once
#include <memory>
#include <string>

#include "tunewright/base/error.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// The model of a step's option `model`; none named, or none to be had, is a UserError.
inline std::shared_ptr<const Scorer> open_scorer(const StepContext& context,
                                                 const std::string& model) {
  if (model.empty()) throw UserError("model: is missing; name the folder of a model");
  if (!context.open_scorer)
    throw UserError("model: this program cannot run models; use one that was built with libtorch");
  return context.open_scorer(model);
}

}  // namespace tunewright::corpus

#pragma once
#include <string>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/json.h"
#include "tunewright/data/options.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/train/options.h"

namespace tunewright::train {

// All that decides the numbers of a run: two runs with the same identity are the same run.
struct IdentityParts {
  const TrainOptions& options;
  const data::DataOptions& data_options;
  std::string train_sha256, eval_sha256;
  const std::vector<model::Parameter>& parameters;
  const Json& given;  // what the caller adds: the hash of the base model, …
};
Json identity_of(const IdentityParts& parts);

// A checkpoint of another run.
class DifferentRun : public UserError {
 public:
  using UserError::UserError;
};

// A difference is a DifferentRun that names the key, what the checkpoint (of `place`) has and what
// the run has.
void require_same_identity(const Json& checkpoint, const Json& run, const std::string& place);

}  // namespace tunewright::train

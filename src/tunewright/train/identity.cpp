#include "tunewright/train/identity.h"

#include "tunewright/base/fields.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::train {
namespace {

// These may change between a run and its continuation: they change no number, until one is not
// finite.
constexpr const char* kFreeKeys[] = {"save_steps",    "save_total_limit",       "save_seconds",
                                     "logging_steps", "gradient_checkpointing", "on_nonfinite"};

std::string names_and_shapes(const std::vector<model::Parameter>& parameters) {
  Sha256 hash;
  for (const auto& parameter : parameters) {
    const auto& tensor = parameter.tensor;
    hash.update(str(parameter.name, " ", c10::toString(tensor.scalar_type())));
    for (const int64_t size : tensor.sizes()) hash.update(str(" ", size));
    hash.update("\n");
  }
  return hash.hex_digest();
}

}  // namespace

Json identity_of(const IdentityParts& parts) {
  Json training = to_json_object(parts.options);
  for (const auto* key : kFreeKeys) training.erase(key);
  const Json data = to_json_object(parts.data_options);
  Json identity = {{"data.train (sha256)", parts.train_sha256},
                   {"data.eval (sha256)", parts.eval_sha256},
                   {"data.max_length", parts.data_options.max_length},
                   {"data.overflow", data["overflow"]},
                   {"data.train_on", data["train_on"]},
                   {"data.packing", parts.data_options.packing},
                   {"data.shuffle", parts.data_options.shuffle},
                   {"trainable parameters (sha256)", names_and_shapes(parts.parameters)}};
  for (const auto& [key, value] : training.items()) identity["training." + key] = value;
  for (const auto& [key, value] : parts.given.items()) identity[key] = value;
  return identity;
}

void require_same_identity(const Json& checkpoint, const Json& run, const std::string& place) {
  for (const auto& [key, value] : run.items()) {
    const Json had = checkpoint.is_object() && checkpoint.contains(key) ? checkpoint[key] : Json();
    if (had == value) continue;
    throw DifferentRun(str(place, ": was made with another ", key, ": ", excerpt(dump_json(had)),
                           ", now ", excerpt(dump_json(value)),
                           "; set it back to --resume, or start anew with --overwrite"));
  }
}

}  // namespace tunewright::train

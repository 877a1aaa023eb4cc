#include "tunewright/train/checkpoint.h"

#include <ATen/ops/from_blob.h>

#include <string>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/model/weights.h"

namespace tunewright::train {
namespace {

constexpr const char* kWeights = "weights.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";

NamedTensors copy_to_host(const NamedTensors& named) {
  NamedTensors copies;
  for (const auto& [name, tensor] : named) {
    copies.emplace_back(
        name, tensor.detach().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true).contiguous());
  }
  return copies;
}

void read_tensors(const fs::path& path, const NamedTensors& named) {
  const at::NoGradGuard no_grad;
  const auto file = io::Safetensors::open(path);
  for (const auto& [name, tensor] : named) {
    const auto view = file.get(name);
    if (view.dtype != model::file_dtype(tensor.scalar_type()) ||
        view.shape != tensor.sizes().vec()) {
      throw UserError(str(path.string(), ": tensor '", name,
                          "' has another shape or number format than the model's; ",
                          "the run was started with another configuration"));
    }
    auto* bytes = const_cast<std::byte*>(view.bytes.data());  // only read
    tensor.copy_(at::from_blob(bytes, view.shape, tensor.scalar_type()));
  }
}

// `sha256` of state.json covers the rest of it, the hashes of the other files included.
std::string seal(const Json& content) { return sha256(dump_json(content)); }

}  // namespace

NamedTensors weights_of(const std::vector<model::Parameter>& parameters) {
  NamedTensors named;
  for (const auto& parameter : parameters) named.emplace_back(parameter.name, parameter.tensor);
  return named;
}

Snapshot take_snapshot(RunState state, const NamedTensors& weights, const NamedTensors& optimizer) {
  return {.state = std::move(state),
          .weights = copy_to_host(weights),
          .optimizer = copy_to_host(optimizer)};
}

void write_checkpoint(const fs::path& folder, const Snapshot& snapshot) {
  write_folder_atomic(folder, [&](const fs::path& made) {
    const auto as_they_are = at::ScalarType::Undefined;
    model::write_weights(made / kWeights, snapshot.weights, as_they_are);
    model::write_weights(made / kOptimizer, snapshot.optimizer, as_they_are);
    Json content = to_json_object(snapshot.state);
    content["files"] = {{kWeights, sha256_file(made / kWeights)},
                        {kOptimizer, sha256_file(made / kOptimizer)}};
    content["sha256"] = seal(content);
    write_file_atomic(made / kState, pretty_json(content));
  });
}

KnownSteps steps_known_to(const fs::path& folder) {
  KnownSteps steps;
  try {
    const auto content = read_json(folder / kState);
    const auto step = [&](const char* pointer) -> std::optional<int64_t> {
      const auto value = content.value(Json::json_pointer(pointer), Json());
      return value.is_number_integer() ? std::optional(value.get<int64_t>()) : std::nullopt;
    };
    steps = {.best = step("/best/step"), .rollback = step("/setbacks/rollback_step")};
  } catch (const std::exception&) {  // damaged: resuming will say so
  }
  return steps;
}

Checkpoint Checkpoint::open(const fs::path& folder) {
  Json content = read_json(folder / kState);
  const auto fail = [](const fs::path& path) {
    throw UserError(str(path.string(), ": is damaged: its content is not what was written"));
  };
  if (!content.is_object() || !content.contains("sha256") || !content.contains("files"))
    fail(folder / kState);
  const Json sealed = content["sha256"];
  content.erase("sha256");
  if (sealed != Json(seal(content))) fail(folder / kState);
  for (const auto& [name, hash] : content["files"].items()) {
    if (hash != Json(sha256_file(folder / name))) fail(folder / name);
  }
  content.erase("files");
  return Checkpoint(folder, from_json<RunState>(content, (folder / kState).string()));
}

Checkpoint::Checkpoint(fs::path folder, RunState state)
    : folder_(std::move(folder)), state_(std::move(state)) {}

void Checkpoint::restore_weights(const NamedTensors& weights) const {
  read_tensors(folder_ / kWeights, weights);
}

void Checkpoint::restore_optimizer(const NamedTensors& optimizer) const {
  read_tensors(folder_ / kOptimizer, optimizer);
}

}  // namespace tunewright::train

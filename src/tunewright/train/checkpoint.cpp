#include "tunewright/train/checkpoint.h"

#include <ATen/ops/from_blob.h>

#include <array>
#include <span>
#include <string>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::train {
namespace {

constexpr const char* kWeights = "weights.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kState = "state.json";

using Named = std::vector<std::pair<std::string, at::Tensor>>;

constexpr std::array kDTypes = {
    std::pair{at::kFloat, io::DType::kF32}, std::pair{at::kBFloat16, io::DType::kBF16},
    std::pair{at::kHalf, io::DType::kF16}, std::pair{at::kByte, io::DType::kU8}};

io::DType file_dtype(at::ScalarType dtype) {
  for (const auto& [tensor, file] : kDTypes) {
    if (tensor == dtype) return file;
  }
  throw InternalError(str("a checkpoint cannot hold ", c10::toString(dtype)));
}

void write_tensors(const fs::path& path, const Named& named) {
  std::vector<at::Tensor> on_host;  // keeps the bytes alive until they are written
  std::vector<io::NamedTensor> views;
  for (const auto& [name, tensor] : named) {
    on_host.push_back(tensor.detach().cpu().contiguous());
    const auto& host = on_host.back();
    views.push_back(
        {name,
         {.dtype = file_dtype(host.scalar_type()),
          .shape = host.sizes().vec(),
          .bytes = {static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes()}}});
  }
  io::write_safetensors(path, views);
}

void read_tensors(const fs::path& path, const Named& named) {
  const at::NoGradGuard no_grad;
  const auto file = io::Safetensors::open(path);
  for (const auto& [name, tensor] : named) {
    const auto view = file.get(name);
    if (view.dtype != file_dtype(tensor.scalar_type()) || view.shape != tensor.sizes().vec()) {
      throw UserError(str(path.string(), ": tensor '", name,
                          "' has another shape or number format than the model's; ",
                          "the run was started with another configuration"));
    }
    auto* bytes = const_cast<std::byte*>(view.bytes.data());  // only read
    tensor.copy_(at::from_blob(bytes, view.shape, tensor.scalar_type()));
  }
}

Named weights_of(const std::vector<model::Parameter>& parameters) {
  Named named;
  for (const auto& parameter : parameters) named.emplace_back(parameter.name, parameter.tensor);
  return named;
}

// `sha256` of state.json covers the rest of it, the hashes of the other files included.
std::string seal(const Json& content) { return sha256(dump_json(content)); }

}  // namespace

void write_checkpoint(const fs::path& folder, const RunState& state,
                      const std::vector<model::Parameter>& parameters, const Optimizer& optimizer) {
  write_folder_atomic(folder, [&](const fs::path& made) {
    write_tensors(made / kWeights, weights_of(parameters));
    write_tensors(made / kOptimizer, optimizer.state());
    Json content = to_json_object(state);
    content["files"] = {{kWeights, sha256_file(made / kWeights)},
                        {kOptimizer, sha256_file(made / kOptimizer)}};
    content["sha256"] = seal(content);
    write_file_atomic(made / kState, pretty_json(content));
  });
}

std::optional<int64_t> best_step_of(const fs::path& folder) {
  try {
    const auto content = read_json(folder / kState);
    const auto best = content.value("best", Json());
    if (best.is_object() && best.contains("step")) return best["step"].get<int64_t>();
  } catch (const std::exception&) {  // damaged: resuming will say so
  }
  return std::nullopt;
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

void Checkpoint::restore_weights(const std::vector<model::Parameter>& parameters) const {
  read_tensors(folder_ / kWeights, weights_of(parameters));
}

void Checkpoint::restore_optimizer(Optimizer& optimizer) const {
  read_tensors(folder_ / kOptimizer, optimizer.state());
  optimizer.set_updates(state_.updates);
}

}  // namespace tunewright::train

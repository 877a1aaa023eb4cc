#include "tunewright/job.h"

#include <ATen/Context.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/data_storage.h"
#include "tunewright/model/adapters/adapters.h"
#include "tunewright/model/causal_lm.h"
#include "tunewright/model/size.h"
#include "tunewright/train/plan/memory.h"

namespace tunewright::app {
namespace {

// Names, sizes and headers of the weights, and evenly spread slices of them: a different model
// differs here, and a large one is not read from end to end.
std::string fingerprint_model(const fs::path& folder) {
  constexpr size_t kHeader = 1 << 20, kSlice = 1 << 16, kSlices = 16;
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".safetensors" || extension == ".gguf") files.insert(entry.path());
  }
  Sha256 hash;
  hash.update(read_file(folder / "config.json"));
  for (const auto& path : files) {
    const MappedFile file(path);
    const auto text = file.text();
    hash.update(str(path.filename().string(), "\n", text.size(), "\n"));
    hash.update(text.substr(0, kHeader));
    for (size_t i = 1; i <= kSlices; ++i)
      hash.update(text.substr((text.size() / kSlices) * i - std::min(kSlice, text.size() / kSlices),
                              kSlice));
  }
  return hash.hex_digest();
}

void warn_of_short_context(const Job& job, Reporter& reporter) {
  if (job.config.data.max_length <= job.model->max_positions()) return;
  reporter.warn(str("data.max_length: ", job.config.data.max_length, " is beyond the ",
                    job.model->max_positions(),
                    " positions that the base model was made for; longer rows may train badly"));
}

// Without filling new tensors with NaN, which torch takes as a part of it: it costs time, and
// nothing here reads a tensor before it is written.  cuBLAS asks for its variable.
void forbid_varying_operations() {
  ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);
}

void require_proof(const data::TextModel& text, const data::Dataset& dataset,
                   const std::string& which, const data::DataOptions& options, Reporter& reporter) {
  data::require_proof(data::prove(text, dataset.reports), options.proof, which, reporter);
}

// Enough to know the largest pass well; all of them would take a second where rows are many.
constexpr int64_t kExamplesLookedAt = 200'000;

}  // namespace

Job load_rows(RunConfig config, Reporter& reporter) {
  Job job{.config = std::move(config)};
  const auto text = data::TextModel::load(job.config.model.path);
  const auto storage = storage_of(job.config);
  job.train = data::load_dataset(text, job.config.data.train, job.config.data, reporter, storage);
  require_proof(text, job.train, "data.train", job.config.data, reporter);
  if (!job.config.data.eval.empty()) {
    job.eval = data::load_dataset(text, job.config.data.eval, job.config.data, reporter, storage);
    require_proof(text, *job.eval, "data.eval", job.config.data, reporter);
  }
  return job;
}

void require_memory(const Job& job) {
  const auto& config = job.config;
  if (model::choose_device(config.model.device) != at::kCPU) return;  // its memory decides
  const auto layout =
      train::lay_out_run(job.rows(), config.data, config.training, kExamplesLookedAt);
  const auto load = train::load_of(layout);
  const auto floor =
      train::memory_floor(model::model_size(config.model, config.adapter), recipe_of(config), load);
  train::require_memory(floor, load, resident_bytes(), usable_bytes(memory_limits()));
}

void load_model(Job& job, Reporter& reporter) {
  job.model = model::load_causal_lm(job.config.model, reporter);
  warn_of_short_context(job, reporter);
  model::prepare_for_training(*job.model, job.config.adapter,
                              static_cast<uint64_t>(job.config.training.seed));
  if (job.config.training.deterministic) forbid_varying_operations();
  job.base_fingerprint = fingerprint_model(job.config.model.path);
}

}  // namespace tunewright::app

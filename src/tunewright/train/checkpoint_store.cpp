#include "tunewright/train/checkpoint_store.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/train/identity.h"

namespace tunewright::train {

CheckpointStore::CheckpointStore(const observe::RunFolder& run, Options options)
    : run_(run),
      options_(options),
      writer_([this](const fs::path& written) { remove_old(written); }) {}

fs::path CheckpointStore::folder_of(int64_t step) const {
  return run_.checkpoints_folder() / observe::RunFolder::checkpoint_name(step);
}

void CheckpointStore::save(Snapshot snapshot) {
  auto folder = folder_of(snapshot.state.step);
  writer_.start(std::move(folder), std::move(snapshot));
}

// Keeps what each that is kept needs, so that falling back to any of them finds it.  Those behind
// the one just written are damaged ones, which the run has gone back before.
void CheckpointStore::remove_old(const fs::path& written) const {
  if (options_.limit == 0) return;
  const auto found = run_.checkpoints();
  const auto end = std::next(std::find(found.begin(), found.end(), written));
  const auto limit = std::min<std::ptrdiff_t>(end - found.begin(), options_.limit);
  std::set<fs::path> kept(end - limit, end);
  for (const auto& folder : std::vector<fs::path>(kept.begin(), kept.end())) {
    const auto known = steps_known_to(folder);
    if (known.rollback) kept.insert(folder_of(*known.rollback));
    if (known.best && options_.keep_best) kept.insert(folder_of(*known.best));
  }
  for (const auto& folder : found) {
    std::error_code ignored;  // an old checkpoint too many is no reason to stop
    if (!kept.contains(folder)) fs::remove_all(folder, ignored);
  }
}

std::optional<Checkpoint> CheckpointStore::newest(const Json& identity, Reporter& reporter) const {
  const auto found = run_.checkpoints();
  for (auto folder = found.rbegin(); folder != found.rend(); ++folder) {
    try {
      auto checkpoint = Checkpoint::open(*folder);
      require_same_identity(checkpoint.state().identity, identity, folder->string());
      return checkpoint;
    } catch (const DifferentRun&) {
      throw;
    } catch (const UserError& error) {
      reporter.warn(str(error.what(), "; going back to the checkpoint before it"));
    }
  }
  return std::nullopt;
}

Checkpoint CheckpointStore::of_step(int64_t step) {
  wait();
  return Checkpoint::open(folder_of(step));
}

}  // namespace tunewright::train

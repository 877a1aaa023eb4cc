#include "tunewright/observe/audit/approval.h"

#include <algorithm>
#include <map>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/audit/verify.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

std::set<std::string> hashes_of(const std::vector<Artefact>& files) {
  std::set<std::string> hashes;
  for (const auto& file : files) hashes.insert(file.sha256);
  return hashes;
}

bool chain_is_sound(const AuditTrail& trail) {
  return verify(trail, {.artefacts = false}, silent_reporter()).sound();
}

}  // namespace

fs::path run_of(const fs::path& path) {
  auto full = fs::absolute(path).lexically_normal();
  if (!full.has_filename()) full = full.parent_path();
  if (RunFolder::holds_run(full)) return full;
  const auto parent = full.parent_path(), name = full.filename();
  const bool is_weights = name == "adapter" || name == "model";
  return is_weights && RunFolder::holds_run(parent) ? parent : full;
}

std::vector<fs::path> weight_files(const fs::path& run) {
  std::vector<fs::path> files;
  for (const auto& folder : {run / "adapter", run / "model", run}) {
    if (!files.empty() || !fs::is_directory(folder)) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".safetensors" || extension == ".gguf") files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

Head approve(const fs::path& run, const ApproveOptions& options) {
  if (trim(options.by).empty()) throw UserError("--by: is empty; it names who approves");
  const auto folder = run_of(run);
  const auto weights = artefacts_of(weight_files(folder));
  if (weights.empty()) {
    throw UserError(str(folder.string(),
                        ": holds no trained weights (adapter/ or model/); nothing "
                        "is there to approve"));
  }
  return AuditTrail::beside(folder).append(
      {.actor = options.actor,
       .event = options.revoke ? "revoked" : "approved",
       .subject = folder,
       .inputs = weights,
       .details = {{"by", std::string(trim(options.by))}, {"note", options.note}}});
}

std::vector<Approval> approvals_of(const fs::path& model) {
  const auto folder = run_of(model);
  const auto trail = AuditTrail::beside(folder);
  const auto weights = artefacts_of(weight_files(folder));
  if (weights.empty() || !fs::exists(trail.file()) || !chain_is_sound(trail)) return {};
  const auto now = hashes_of(weights);
  std::map<std::string, Approval> standing;
  for (const auto& line : trail.read()) {
    const bool decides = line.event == "approved" || line.event == "revoked";
    if (!decides || hashes_of(line.inputs) != now) continue;
    const auto by = line.details.value("by", "");
    if (line.event == "revoked") {
      standing.erase(by);
    } else {
      standing[by] = {.by = by, .note = line.details.value("note", ""), .time = line.time};
    }
  }
  std::vector<Approval> approvals;
  for (auto& [by, approval] : standing) approvals.push_back(std::move(approval));
  return approvals;
}

bool is_approved(const fs::path& model, const ApprovalRule& rule) {
  const auto counts = [&](const Approval& approval) {
    return rule.by.empty() || std::ranges::find(rule.by, approval.by) != rule.by.end();
  };
  return std::ranges::count_if(approvals_of(model), counts) >= std::max<int64_t>(1, rule.at_least);
}

}  // namespace tunewright::observe

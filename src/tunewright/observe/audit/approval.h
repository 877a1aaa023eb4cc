#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tunewright/observe/audit/audit.h"

// Who let a model pass.
namespace tunewright::observe {

struct Approval {
  std::string by, note, time;
};

struct ApproveOptions {
  std::string actor;    // who ran the program
  std::string by;       // who approves
  std::string note;     // why, or under which conditions
  bool revoke = false;  // takes an approval of the same name back
};
// Records the decision about the weights of `run`, by their hashes.  A run without weights and an
// empty name are UserErrors.  Gives the trail's new head.
Head approve(const std::filesystem::path& run, const ApproveOptions& options);

// Standing approvals of the weights of a run folder, or of an adapter or model folder within one,
// as they lie on disk now: an approval of other weights does not count, nor one of a trail that was
// altered.
std::vector<Approval> approvals_of(const std::filesystem::path& model);

// What a gate `approval: {by: [..], at_least: n}` demands.
struct ApprovalRule {
  std::vector<std::string> by;
  int64_t at_least = 1;
};

template <class V>
void fields(V& v, ApprovalRule& o) {
  v("by", o.by, "Names that count; empty: any.");
  v("at_least", o.at_least, "How many different of them.");
}
bool is_approved(const std::filesystem::path& model, const ApprovalRule& rule = {});

// The run folder that holds `path` (itself, or its adapter/ or model/); `path` where none does.
std::filesystem::path run_of(const std::filesystem::path& path);
// Files of the trained weights of a run folder; empty: none.
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& run);

}  // namespace tunewright::observe

#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/observe/audit/audit.h"

// What run folders say about themselves.  The folders are the truth; the index (index.h) only saves
// reading them again.
namespace tunewright::observe {

struct RunRecord {
  std::string name;  // of the folder, seen from the root
  std::filesystem::path path;
  // Plain values by dotted name: "status", "started", the figures ("eval_loss", "steps", …), the
  // configuration ("training.learning_rate", "data.train.0.path") and the hashes.
  Json facts = Json::object();
  // Of the facts that evaluations measured, by name: whether less is better; null: not known.
  Json lower_is_better = Json::object();
};

// Run folders below `root`, by name; a few levels deep, not inside of runs.
std::vector<std::filesystem::path> find_run_folders(const std::filesystem::path& root);
// The audit trails of `root` and of the folders in it that group runs (studies), by path.
std::vector<AuditTrail> find_trails(const std::filesystem::path& root);
// A file that cannot be read is left out, and named in the fact "damaged".
RunRecord read_run(const std::filesystem::path& root, const std::filesystem::path& folder);
// Adds what the trail knows: figures of evaluations ("triage.accuracy"), "gates", and
// "approved_by": who stands by the weights as they are ("Ada, Alan").
void add_audit_facts(std::vector<RunRecord>& runs, const AuditTrail& trail);

// The fact that a user's `key` means: its full name, or the end of exactly one ("learning_rate"),
// or a section with a type ("adapter").  Empty: none, or several.
std::string fact_name(const Json& facts, std::string_view key);
const Json& fact(const RunRecord& run, std::string_view key);  // null: none
std::string fact_text(const Json& value);                      // "–" for null; 6 digits

// Nested objects and lists as dotted names.
Json flatten(const Json& value);
std::vector<std::pair<std::string, Json>> flat_items(const Json& value);

}  // namespace tunewright::observe

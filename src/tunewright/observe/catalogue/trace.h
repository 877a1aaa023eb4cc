#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/observe/catalogue/catalogue.h"

namespace tunewright::observe {

// One thing in the life of a model, and what it was made from or what was made from it.
struct TraceNode {
  std::string kind;    // "run", "base model", "data", "source", "evaluation", "merged", …
  std::string name;    // path, as a rule
  std::string sha256;  // empty: none is known
  std::string state;   // of the file on disk: "unchanged", "changed", "gone"; empty: not looked at
  std::string note;    // a figure, a date, who approved
  std::vector<TraceNode> next;
};

struct Trace {
  TraceNode backward;  // to data files and base models
  TraceNode forward;   // to evaluations, merges, exports, approvals
};

// `what`: a run folder, its adapter or model, a merged model, a data file, or the beginning of a
// hash that a manifest or a trail knows.  Links are hashes, not names: a file that was moved is
// found, and one whose content changed is said to have.  What nobody knows is a UserError.
Trace trace(const std::string& what, const std::vector<RunRecord>& runs,
            const std::vector<AuditTrail>& trails);

Json trace_json(const TraceNode& node);
std::string trace_text(const TraceNode& node);  // an indented tree

}  // namespace tunewright::observe

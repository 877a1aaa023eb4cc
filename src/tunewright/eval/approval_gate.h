#pragma once
#include <optional>

#include "tunewright/base/json.h"
#include "tunewright/metrics/gates.h"
#include "tunewright/model/options.h"
#include "tunewright/observe/audit/approval.h"

// The gate that people keep: `gates: {approval: {by: [Ada, Alan], at_least: 2}}`, or `true`.
namespace tunewright::eval {

inline constexpr const char* kApprovalGate = "approval";

// Takes it out of `gates`; none: nobody is asked.  What can never be kept is a UserError.
std::optional<observe::ApprovalRule> take_approval_rule(Json& gates);

// Whether the weights that are judged, as they lie on disk, were approved.
metrics::GateResult judge_approval(const observe::ApprovalRule& rule,
                                   const model::ModelOptions& model);

}  // namespace tunewright::eval

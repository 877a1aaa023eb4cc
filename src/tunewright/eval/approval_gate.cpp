#include "tunewright/eval/approval_gate.h"

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

std::string limit_text(const observe::ApprovalRule& rule) {
  return str("by at least ", rule.at_least, rule.by.empty() ? "" : " of " + join(rule.by, ", "));
}

}  // namespace

std::optional<observe::ApprovalRule> take_approval_rule(Json& gates) {
  const auto it = gates.is_object() ? gates.find(kApprovalGate) : gates.end();
  if (it == gates.end()) return std::nullopt;
  const Json block = *it;
  gates.erase(it);
  if (block == Json(true)) return observe::ApprovalRule{};
  if (!block.is_object())
    throw UserError(str("gates.approval: expected {by: [NAME, …], at_least: 1} or true, got ",
                        excerpt(dump_json(block))));
  observe::ApprovalRule rule;
  FieldReader reader(block, "gates.approval");
  fields(reader, rule);
  reader.finish();
  if (rule.at_least < 1)
    throw UserError(str("gates.approval.at_least: must be at least 1, got ", rule.at_least));
  if (!rule.by.empty() && rule.at_least > std::ssize(rule.by)) {
    throw UserError(str("gates.approval: at_least ", rule.at_least, " of ", rule.by.size(),
                        " names can never be kept; name more, or ask for fewer"));
  }
  return rule;
}

metrics::GateResult judge_approval(const observe::ApprovalRule& rule,
                                   const model::ModelOptions& model) {
  const auto judged = model.adapter.value_or(model.path);
  metrics::GateResult result{.gate = {.name = kApprovalGate, .figure = kApprovalGate, .limits = {}},
                             .passed = observe::is_approved(judged, rule),
                             .limit = limit_text(rule)};
  if (result.passed) return result;
  std::vector<std::string> names;
  for (const auto& approval : observe::approvals_of(judged)) names.push_back(approval.by);
  result.reason =
      str(names.empty() ? "nobody approved these weights" : "approved by " + join(names, ", "),
          "; `tunewright runs approve ", observe::run_of(judged).string(),
          " --by NAME` puts an approval on record");
  return result;
}

}  // namespace tunewright::eval

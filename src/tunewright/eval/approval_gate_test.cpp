#include "tunewright/eval/approval_gate.h"

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"

namespace tunewright::eval {
namespace {

std::optional<observe::ApprovalRule> rule_of(const char* gates) {
  auto json = parse_json(gates, "gates");
  return take_approval_rule(json);
}

TEST(ApprovalGate, IsTakenOutOfTheGatesOfFigures) {
  auto gates = parse_json(R"({"t.accuracy":{"min":0.9},"approval":{"by":["Ada"]}})", "gates");
  const auto rule = take_approval_rule(gates);
  EXPECT_EQ(rule->by, std::vector<std::string>{"Ada"});
  EXPECT_FALSE(gates.contains("approval"));
  EXPECT_TRUE(gates.contains("t.accuracy"));
  EXPECT_FALSE(take_approval_rule(gates).has_value());
  EXPECT_EQ(rule_of(R"({"approval":true})")->at_least, 1);
}

TEST(ApprovalGate, RefusesRulesThatMeanNothing) {
  EXPECT_USER_ERROR(rule_of(R"({"approval":"Ada"})"), "gates.approval: expected {by:");
  EXPECT_USER_ERROR(rule_of(R"({"approval":{"from":["Ada"]}})"),
                    "gates.approval.from: unknown key");
  EXPECT_USER_ERROR(rule_of(R"({"approval":{"at_least":0}})"), "must be at least 1, got 0");
  EXPECT_USER_ERROR(rule_of(R"({"approval":{"by":["Ada"],"at_least":2}})"), "can never be kept");
}

TEST(ApprovalGate, OpensForTheWeightsThatWereApproved) {
  const testing::TemporaryFolder folder;
  const auto adapter = folder / "run/adapter";
  fs::create_directories(adapter);
  write_file_atomic(adapter / "adapter_model.safetensors", "weights");
  write_file_atomic(folder / "run/config.yaml", "{}");
  const model::ModelOptions model{.path = "base", .adapter = adapter.string()};
  const observe::ApprovalRule rule{.by = {"Ada", "Alan"}};
  auto gate = judge_approval(rule, model);
  EXPECT_FALSE(gate.passed);
  EXPECT_EQ(gate.limit, "by at least 1 of Ada, Alan");
  EXPECT_NE(gate.reason.find("nobody approved these weights; `tunewright runs approve"),
            std::string::npos)
      << gate.reason;

  observe::approve(folder / "run", {.actor = "ci", .by = "Ada", .note = ""});
  EXPECT_TRUE(judge_approval(rule, model).passed);
  gate = judge_approval({.by = {"Ada", "Alan"}, .at_least = 2}, model);
  EXPECT_FALSE(gate.passed);
  EXPECT_NE(gate.reason.find("approved by Ada; "), std::string::npos) << gate.reason;

  write_file_atomic(adapter / "adapter_model.safetensors", "other weights");
  EXPECT_FALSE(judge_approval(rule, model).passed);
}

}  // namespace
}  // namespace tunewright::eval

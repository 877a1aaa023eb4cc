// tunewright runs verify, approve: the audit trail.
#include <algorithm>
#include <memory>

#include "tunewright/base/str.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/audit/verify.h"
#include "tunewright/observe/catalogue/catalogue.h"
#include "tunewright/runs_common.h"

namespace tunewright::app {
namespace {

struct VerifyFlags {
  std::string root = "runs";
  std::vector<std::string> heads;
  bool no_files = false;
};

struct ApproveFlags {
  std::string root = "runs", run, by, note;
  bool revoke = false;
};

std::string place_of(const observe::AuditProblem& problem) {
  return problem.line > 0 ? str("line ", problem.line, ": ") : std::string();
}

Json verification_json(const observe::Verification& found, const observe::AuditTrail& trail) {
  Json problems = Json::array();
  for (const auto& problem : found.problems)
    problems.push_back(
        {{"line", problem.line > 0 ? Json(problem.line) : Json()}, {"problem", problem.text}});
  return {{"trail", trail.file().string()},
          {"sound", found.sound()},
          {"lines", found.head.lines},
          {"head_sha256", found.head.sha256},
          {"problems", std::move(problems)},
          {"notes", found.notes},
          {"files_sound", found.artefacts_sound},
          {"files_gone", found.artefacts_gone}};
}

std::string verification_text(const observe::Verification& found, const observe::AuditTrail& trail,
                              bool with_files) {
  std::string text;
  for (const auto& problem : found.problems)
    text += str(trail.file().string(), ": ", place_of(problem), problem.text, "\n");
  for (const auto& note : found.notes) text += note + "\n";
  text += str(trail.file().string(), ": ", found.head.lines, " lines, ",
              found.sound() ? "the chain is whole" : str(found.problems.size(), " problem(s)"));
  if (with_files)
    text +=
        str("; files: ", found.artefacts_sound, " as they were, ", found.artefacts_gone, " gone");
  return text + str("\nhead: ", found.head.sha256,
                    "  (note it elsewhere: --head finds a trail that was shortened since)");
}

bool has_line(const observe::AuditTrail& trail, const std::string& sha256) {
  const auto lines = trail.read();
  return std::ranges::find(lines, sha256, &observe::AuditLine::sha256) != lines.end();
}

// A noted head belongs to the trail that has it; one that none has, to the first, which misses it.
std::vector<std::vector<std::string>> heads_by_trail(
    const std::vector<std::string>& heads, const std::vector<observe::AuditTrail>& trails) {
  std::vector<std::vector<std::string>> by_trail(trails.size());
  for (const auto& head : heads) {
    const auto owner = std::ranges::find_if(
        trails, [&](const observe::AuditTrail& trail) { return has_line(trail, head); });
    by_trail[owner == trails.end() ? 0 : static_cast<size_t>(owner - trails.begin())].push_back(
        head);
  }
  return by_trail;
}

int run_verify(const VerifyFlags& flags, const Context& context) {
  auto trails = observe::find_trails(flags.root);
  if (trails.empty()) trails.emplace_back(std::filesystem::path(flags.root) / "audit.jsonl");
  const auto heads = heads_by_trail(flags.heads, trails);
  std::vector<std::string> texts;
  Json all = Json::array();
  bool sound = true;
  for (size_t i = 0; i < trails.size(); ++i) {
    const auto found = observe::verify(trails[i], {.heads = heads[i], .artefacts = !flags.no_files},
                                       context.reporter);
    texts.push_back(verification_text(found, trails[i], !flags.no_files));
    all.push_back(verification_json(found, trails[i]));
    sound = sound && found.sound();
  }
  print_result(context, {{"sound", sound}, {"trails", std::move(all)}}, join(texts, "\n"));
  return sound ? kDone : kGateFailed;
}

int run_approve(const ApproveFlags& flags, const Context& context) {
  const auto run = find_run(flags.root, flags.run);
  const auto head = observe::approve(
      run, {.actor = actor(), .by = flags.by, .note = flags.note, .revoke = flags.revoke});
  const auto done = flags.revoke ? "the approval is taken back" : "approved";
  print_result(context,
               {{"run", run.string()},
                {"by", flags.by},
                {"event", flags.revoke ? "revoked" : "approved"},
                {"head_sha256", head.sha256}},
               str(run.string(), ": ", done, ", by ", flags.by, "; head ", head.sha256));
  return kDone;
}

}  // namespace

void add_runs_audit(CLI::App& runs, Context& context) {
  auto verified = std::make_shared<VerifyFlags>();
  auto* verify = runs.add_subcommand(
      "verify", "Finds altered, missing and cut-off lines of the audit trails, and altered files");
  verify->add_option("--root", verified->root, "Folder of the runs; trails of studies in it count")
      ->type_name("DIR")
      ->capture_default_str();
  verify->add_option("--head", verified->heads, "A head hash that was noted earlier; repeatable")
      ->type_name("SHA256");
  verify->add_flag("--no-files", verified->no_files, "Only the chain, not the files that it names");
  add_common_options(*verify, context, false);
  verify->footer("Status 3: something is wrong.");
  verify->callback([&context, verified] {
    context.chosen = [&context, verified] { return run_verify(*verified, context); };
  });

  auto approved = std::make_shared<ApproveFlags>();
  auto* approve = runs.add_subcommand(
      "approve", "Records who let a model pass; a gate can demand it: {approval: {by: [NAME]}}");
  approve->add_option("RUN", approved->run, "Run")->required();
  approve->add_option("--by", approved->by, "Who approves")->type_name("NAME")->required();
  approve->add_option("--note", approved->note, "Why, or under which conditions");
  approve->add_flag("--revoke", approved->revoke, "Takes an approval of that name back");
  approve->add_option("--root", approved->root, "Folder of the runs")
      ->type_name("DIR")
      ->capture_default_str();
  add_common_options(*approve, context, false);
  approve->callback([&context, approved] {
    context.chosen = [&context, approved] { return run_approve(*approved, context); };
  });
}

}  // namespace tunewright::app

#include "tunewright/observe/catalogue/catalogue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/audit/approval.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

constexpr int kDeepest = 3;  // folders below the root: studies and sweeps group their runs

void find_below(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_directory() || name.starts_with('.')) continue;
    if (RunFolder::holds_run(entry.path())) {
      found.push_back(entry.path());
    } else if (depth < kDeepest) {
      find_below(entry.path(), depth + 1, found);
    }
  }
}

void find_trails_below(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  if (fs::exists(folder / "audit.jsonl")) found.push_back(folder / "audit.jsonl");
  if (depth == kDeepest) return;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const auto name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.') && !RunFolder::holds_run(entry.path()))
      find_trails_below(entry.path(), depth + 1, found);
  }
}

void flatten_into(const Json& value, const std::string& name, Json& flat) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, inner] : value.items())
      flatten_into(inner, name.empty() ? key : str(name, ".", key), flat);
  } else if (value.is_array() && !value.empty() &&
             std::ranges::any_of(value, [](const Json& one) { return one.is_structured(); })) {
    for (size_t i = 0; i < value.size(); ++i) flatten_into(value[i], str(name, ".", i), flat);
  } else if (!name.empty()) {
    flat[name] = value.is_array() ? Json(dump_json(value)) : value;
  }
}

constexpr std::array kFigures = {"outcome",
                                 "steps",
                                 "first_loss",
                                 "last_loss",
                                 "eval_loss",
                                 "eval_perplexity",
                                 "eval_step",
                                 "train_seconds",
                                 "tokens",
                                 "supervised_tokens",
                                 "tokens_per_second",
                                 "peak_memory_bytes",
                                 "cost",
                                 "total_parameters",
                                 "trainable_parameters",
                                 "skipped_steps"};

// Reads a file of the folder; one that cannot be read is noted.
template <class Read>
Json read_part(const fs::path& file, Json& facts, const Read& read) {
  if (!fs::exists(file)) return Json::object();
  try {
    auto value = read(file);
    if (value.is_object()) return value;
  } catch (const UserError&) {
  }
  facts["damaged"] = file.filename().string();
  return Json::object();
}

void add_report(const Json& report, Json& facts) {
  for (const auto* key : kFigures) {
    if (report.contains(key)) facts[key] = report[key];
  }
  if (report.contains("data") && report["data"].contains("train_rows"))
    facts["train_rows"] = report["data"]["train_rows"];
  if (report.contains("energy") && report["energy"].is_object())
    facts["energy_joules"] = report["energy"].value("joules", Json());
}

// A run that has no report yet: where its metrics stand.
void add_metrics(const fs::path& folder, Json& facts) {
  std::vector<Json> lines;
  try {
    lines = RunFolder::at(folder).read_metrics();
  } catch (const UserError&) {
    facts["damaged"] = "metrics.jsonl";
    return;
  }
  double tokens = 0;
  for (const auto& line : lines) {
    if (line.contains("step")) facts["steps"] = line["step"];
    if (line.value("loss", Json()).is_number()) {
      if (!facts.contains("first_loss")) facts["first_loss"] = line["loss"];
      facts["last_loss"] = line["loss"];
    }
    if (const auto loss = line.value("eval_loss", Json()); loss.is_number()) {
      if (!facts.value("eval_loss", Json()).is_number() || loss < facts["eval_loss"]) {
        facts["eval_loss"] = loss;
        facts["eval_perplexity"] = std::exp(loss.get<double>());
        facts["eval_step"] = line["step"];
      }
    }
    tokens += line.value("tokens", 0.0);
  }
  if (tokens > 0) facts["tokens"] = static_cast<int64_t>(tokens);
}

void add_evaluation(const Json& details, RunRecord& run) {
  const auto metrics = details.value("metrics", Json::object());
  const auto directions = details.value("lower_is_better", Json::object());
  for (const auto& [name, value] : metrics.items()) {
    run.facts[name] = value;
    run.lower_is_better[name] = directions.value(name, Json());
  }
  if (details.contains("passed") && !details["passed"].is_null())
    run.facts["gates"] = details["passed"] == true ? "passed" : "failed";
}

// A run that starts anew will have other weights.
void forget_evaluations(RunRecord& run) {
  for (const auto& [name, direction] : run.lower_is_better.items()) run.facts.erase(name);
  run.lower_is_better = Json::object();
  run.facts.erase("gates");
}

// Of the weights as they are; several names with commas between.
void add_approvals(RunRecord& run) {
  std::vector<std::string> names;
  for (const auto& approval : approvals_of(run.path)) names.push_back(approval.by);
  if (!names.empty()) run.facts["approved_by"] = join(names, ", ");
}

}  // namespace

Json flatten(const Json& value) {
  Json flat = Json::object();
  flatten_into(value, "", flat);
  return flat;
}

std::vector<std::pair<std::string, Json>> flat_items(const Json& value) {
  std::vector<std::pair<std::string, Json>> list;
  const auto flat = flatten(value);
  for (const auto& [name, one] : flat.items()) list.emplace_back(name, one);
  return list;
}

std::vector<fs::path> find_run_folders(const fs::path& root) {
  std::vector<fs::path> found;
  if (fs::is_directory(root)) find_below(root, 1, found);
  std::ranges::sort(found);
  return found;
}

std::vector<AuditTrail> find_trails(const fs::path& root) {
  std::vector<fs::path> found;
  find_trails_below(root, 1, found);
  std::ranges::sort(found);
  return {found.begin(), found.end()};
}

RunRecord read_run(const fs::path& root, const fs::path& folder) {
  RunRecord run{.name = folder.lexically_proximate(root).generic_string(), .path = folder};
  auto& facts = run.facts;
  const auto report = read_part(folder / "report.json", facts, read_json);
  const auto manifest = read_part(folder / "manifest.json", facts, read_json);
  const auto config = read_part(folder / "config.yaml", facts, read_yaml);
  facts["status"] =
      report.value("outcome", fs::exists(folder / "metrics.jsonl") ? "unfinished" : "not started");
  for (const auto* key : {"started", "finished"}) {
    if (manifest.contains(key)) facts[key] = manifest[key];
  }
  if (report.empty()) {
    add_metrics(folder, facts);
  } else {
    add_report(report, facts);
  }
  facts.update(flatten(config));
  auto rest = manifest;
  for (const auto* key : {"started", "finished"}) rest.erase(key);
  for (const auto& [key, value] : flat_items(rest)) {
    if (!facts.contains(key)) facts[key] = value;
  }
  return run;
}

void add_audit_facts(std::vector<RunRecord>& runs, const AuditTrail& trail) {
  std::map<std::string, RunRecord*> by_name;
  for (auto& run : runs) by_name[trail.name_of(run.path)] = &run;
  std::set<RunRecord*> approved;  // at some time
  for (const auto& line : trail.read()) {
    const auto it = by_name.find(line.subject);
    if (it == by_name.end()) continue;
    auto& run = *it->second;
    if (line.event == "evaluated") add_evaluation(line.details, run);
    if (line.event == "run_started") forget_evaluations(run);
    if (line.event == "approved") approved.insert(&run);
  }
  for (auto* run : approved) add_approvals(*run);
}

std::string fact_name(const Json& facts, std::string_view key) {
  const std::string name(key);
  // The section first: a manifest says "adapter": null where the run starts from none.
  if (facts.contains(name + ".type")) return name + ".type";
  if (facts.contains(name)) return name;
  std::string found;
  for (const auto& [full, value] : facts.items()) {
    if (!full.ends_with("." + name)) continue;
    if (!found.empty()) return "";
    found = full;
  }
  return found;
}

const Json& fact(const RunRecord& run, std::string_view key) {
  static const Json kNone;
  const auto name = fact_name(run.facts, key);
  return name.empty() ? kNone : run.facts[name];
}

std::string fact_text(const Json& value) {
  if (value.is_null()) return "–";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", value.get<double>());
    return text;
  }
  return dump_json(value);
}

}  // namespace tunewright::observe

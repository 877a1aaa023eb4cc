#include "tunewright/eval/report_parts.h"

#include <cmath>
#include <vector>

#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

double number(const Json& value) { return value.is_number() ? value.get<double>() : NAN; }

void complete(Overall& overall) {
  if (overall.kind == "better") {
    overall.severity = "fine";
    overall.headline = "Better than the baseline";
  } else if (overall.kind == "worse") {
    overall.severity = "warning";
    overall.headline = "Worse than the baseline";
  } else {
    overall.severity = "note";
    overall.headline = "No difference from the baseline shown";
  }
}

void add_gate_findings(const Json& report, std::vector<Finding>& findings) {
  const auto& gates = member(report, "gates");
  size_t failed = 0;
  for (const auto& gate : gates) {
    if (is_true(member(gate, "passed"))) continue;
    ++failed;
    const auto reason = member(gate, "reason");
    findings.push_back(
        {"fatal", str("gate ", plain(member(gate, "figure")), " failed: ",
                      reason.is_string() ? plain(reason) : figure(member(gate, "value"), 4))});
  }
  if (!gates.empty() && failed == 0)
    findings.push_back(
        {"fine", str(gates.size(), gates.size() == 1 ? " gate" : " gates", " passed")});
}

void add_task_findings(const Json& task, std::vector<Finding>& findings) {
  const auto name = plain(member(task, "name"));
  const double invalid = number(member(member(task, "model"), "invalid_answers"));
  if (invalid > 0) {
    findings.push_back({"warning", str(name, ": ", invalid, " of ", plain(member(task, "rows")),
                                       " answers are none of the labels")});
  }
  size_t worse = 0;
  for (const auto& slice : member(member(task, "slices"), "slices"))
    worse += member(slice, "verdict") == "worse";
  if (worse > 0) {
    findings.push_back({"warning", str(name, ": worse than the baseline on ", worse,
                                       worse == 1 ? " part" : " parts", " of the rows")});
  }
}

void add_forgetting_findings(const Json& forgetting, std::vector<Finding>& findings) {
  if (!forgetting.is_object()) return;
  constexpr double kNoticed = 0.05;
  const auto increase = interval_of(member(forgetting, "ppl_increase"));
  if (increase.low > 0 && increase.value > kNoticed) {
    findings.push_back(
        {"warning", str("perplexity of general text rose by ", percent(Json(increase.value), 1))});
  } else {
    findings.push_back(
        {"fine", str("general text is predicted as well as before: perplexity ",
                     increase.value >= 0 ? "+" : "−", percent(Json(std::abs(increase.value)), 1))});
  }
  const auto& format = member(forgetting, "format");
  if (format.is_object() && member(format, "kept") != member(format, "probes")) {
    findings.push_back({"warning", str("chat format kept in ", plain(member(format, "kept")),
                                       " of ", plain(member(format, "probes")), " probes")});
  }
  if (interval_of(member(forgetting, "choice_difference")).high < 0)
    findings.push_back({"warning", "fewer general questions are answered rightly than before"});
}

void add_judge_findings(const Json& judge, std::vector<Finding>& findings) {
  constexpr double kMuchInvalid = 0.05, kMuchBias = 0.2;
  for (const auto& task : member(judge, "tasks")) {
    const auto name = plain(member(task, "task"));
    const auto& invalid = member(member(task, "model"), "invalid_rate");
    if (number(invalid) > kMuchInvalid)
      findings.push_back({"warning", str(name, ": ", percent(invalid, 0),
                                         " of the judge's answers are invalid and in no average")});
    const auto& bias = member(member(task, "pairwise"), "position_bias_rate");
    if (number(bias) > kMuchBias)
      findings.push_back(
          {"warning", str(name, ": the judge contradicts itself in ", percent(bias, 0),
                          " of the pairs when their order changes")});
  }
}

}  // namespace

const Json& member(const Json& value, std::string_view key) {
  static const Json kNull;
  if (!value.is_object()) return kNull;
  const auto it = value.find(key);
  return it == value.end() ? kNull : *it;
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

std::string escaped(const Json& value) { return html_escape(plain(value)); }

std::string words(std::string name) { return replace_all(std::move(name), "_", " "); }

int digits_of(const std::string& metric) { return metric.ends_with("perplexity") ? 2 : 3; }

std::string figure(const Json& value, int digits) {
  return value.is_number() ? fixed(value.get<double>(), digits) : "–";
}

std::string signed_figure(const Json& value, int digits) {
  const auto text = figure(value, digits);
  if (!value.is_number()) return text;
  return text.starts_with('-') ? "−" + text.substr(1) : "+" + text;
}

std::string percent(const Json& share, int digits) {
  return share.is_number() ? fixed(100 * share.get<double>(), digits) + " %" : "–";
}

std::string range(const Json& interval, int digits) {
  if (!member(interval, "low").is_number()) return "no interval";
  return figure(member(interval, "low"), digits) + "–" + figure(member(interval, "high"), digits);
}

std::string signed_range(const Json& interval, int digits) {
  if (!member(interval, "low").is_number()) return "no interval";
  return signed_figure(member(interval, "low"), digits) + " to " +
         signed_figure(member(interval, "high"), digits);
}

Interval interval_of(const Json& json) {
  return {.value = number(member(json, "value")),
          .low = number(member(json, "low")),
          .high = number(member(json, "high"))};
}

std::string described_model(const Json& model) {
  auto name = plain(member(model, "path"));
  if (member(model, "adapter").is_string()) name += " with " + plain(member(model, "adapter"));
  return name;
}

Overall overall_of(const Json& report) {
  if (!member(report, "baseline").is_object()) {
    return {.kind = "not compared",
            .severity = "note",
            .headline = "Measured, with no baseline to compare with",
            .reason = {}};
  }
  const auto& verdict = member(report, "verdict");
  const auto& kind = member(verdict, "overall");
  Overall overall;
  overall.kind = kind == "better" ? "better" : kind == "worse" ? "worse" : "no difference shown";
  overall.reason = plain(member(verdict, "reason"));
  complete(overall);
  return overall;
}

std::string verdict_of(const Json& report, const std::string& task, const std::string& name) {
  const auto& figures = member(member(report, "verdict"), "figures");
  const auto& verdict = member(member(figures, task + "." + name), "verdict");
  return verdict == "better" || verdict == "worse" ? plain(verdict) : "";
}

const char* nothing_shown(const Json& metric) {
  return member(metric, "p_value").is_number() ? "no difference shown" : "not tested";
}

std::string right_answers_text(const Json& task) {
  const auto& test = member(task, "mcnemar");
  if (!test.is_object()) return "";
  const auto& p = member(test, "exact_p");
  const bool tiny = p.is_number() && p.get<double>() < 0.001;
  return str("Rows that only the model gets right (", words(plain(member(test, "figure"))),
             "): ", plain(member(test, "only_model_right")),
             ", only the baseline: ", plain(member(test, "only_baseline_right")),
             "; McNemar's exact ", tiny ? "p < 0.001" : "p = " + figure(p, 3),
             ", not corrected for other figures.");
}

std::vector<Finding> findings_of(const Json& report) {
  std::vector<Finding> findings;
  add_gate_findings(report, findings);
  for (const auto& task : member(report, "tasks")) add_task_findings(task, findings);
  add_forgetting_findings(member(report, "forgetting"), findings);
  add_judge_findings(member(report, "judge"), findings);
  const auto rank = [](const Finding& finding) {
    return finding.severity == "fatal" ? 0 : finding.severity == "warning" ? 1 : 2;
  };
  std::ranges::stable_sort(findings, {}, rank);
  return findings;
}

}  // namespace tunewright::eval

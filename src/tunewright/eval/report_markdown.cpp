#include "tunewright/base/str.h"
#include "tunewright/eval/report.h"
#include "tunewright/eval/report_parts.h"

// GitHub's Markdown; a pull request is read on a phone too, so tables stay narrow.
namespace tunewright::eval {
namespace {

// Text that is not ours becomes neither markup nor a second table cell.
std::string md(const std::string& text) {
  std::string out;
  for (const char c : excerpt(text, 200)) {
    if (std::string_view("\\`*_[]<>|#~&@").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}
std::string md(const Json& value) { return md(plain(value)); }

std::string with_range(const Json& interval, int digits) {
  return str(figure(member(interval, "value"), digits), " (", range(interval, digits), ")");
}

std::string sign_of(std::string_view severity) {
  return severity == "fine" ? "✅" : severity == "note" ? "➖" : severity == "fatal" ? "❌" : "⚠️";
}

std::string metric_table(const Json& report, const Json& task) {
  const bool compared = member(report, "baseline").is_object();
  auto text =
      str("\n### ", md(member(task, "name")), " (", plain(member(task, "rows")), " rows)\n\n",
          compared ? "| figure | baseline | model | difference | |\n|---|--:|--:|--:|---|\n"
                   : "| figure | model |\n|---|--:|\n");
  for (const auto& [name, metric] : member(task, "metrics").items()) {
    const int digits = digits_of(name);
    text += "| " + md(words(name)) + " | ";
    if (compared) text += with_range(member(metric, "baseline"), digits) + " | ";
    text += with_range(metric, digits) + " |";
    if (compared) {
      const auto& difference = member(metric, "difference");
      const auto verdict = verdict_of(report, plain(member(task, "name")), name);
      text += str(" ", signed_figure(member(difference, "value"), digits), " (",
                  signed_range(difference, digits), ") | ",
                  verdict.empty() ? nothing_shown(metric) : verdict, " |");
    }
    text += "\n";
  }
  for (const auto& entry : member(task, "quality")) {
    if (member(entry, "group") == "accuracy") continue;  // stands above
    text += str("| ", md(member(entry, "group")), ": ", md(member(entry, "label")), " | ",
                compared ? figure(member(entry, "baseline"), 3) + " | " : "",
                figure(member(entry, "model"), 3), compared ? " | | |\n" : " |\n");
  }
  if (const auto right = right_answers_text(task); !right.empty())
    text += str("\n", md(right), "\n");
  return text;
}

std::string worse_slices(const Json& task) {
  std::string text;
  for (const auto& slice : member(member(task, "slices"), "slices")) {
    if (member(slice, "verdict") != "worse") continue;
    text += str("- worse where ", md(member(slice, "field")), " = ", md(member(slice, "value")),
                ": ", signed_figure(member(member(slice, "difference"), "value"), 3), " over ",
                plain(member(slice, "rows")), " rows\n");
  }
  return text.empty() ? "" : "\n" + text;
}

std::string forgetting_text(const Json& forgetting) {
  if (!forgetting.is_object()) return "";
  return str(
      "\n### Forgetting\n\n| | baseline | model |\n|---|--:|--:|\n| perplexity of general text | ",
      figure(member(forgetting, "baseline_perplexity"), 2), " | ",
      figure(member(forgetting, "perplexity"), 2), " |\n| general questions right | ",
      percent(member(member(forgetting, "baseline_choice_accuracy"), "value"), 1), " | ",
      percent(member(member(forgetting, "choice_accuracy"), "value"), 1),
      " |\n| KL on neutral prompts, nats a token | | ",
      figure(member(member(forgetting, "kl"), "value"), 4), " |\n");
}

std::string judge_text(const Json& judge) {
  std::string text;
  for (const auto& task : member(judge, "tasks")) {
    const auto& pairs = member(task, "pairwise");
    text += str("- ", md(member(task, "task")), ": mean mark ",
                task.contains("baseline")
                    ? figure(member(member(task["baseline"], "score"), "value"), 2) + " → "
                    : "",
                figure(member(member(member(task, "model"), "score"), "value"), 2));
    if (pairs.is_object()) {
      text += str(", win rate ", percent(member(member(pairs, "win_rate"), "value"), 1), " (",
                  plain(member(pairs, "wins")), " won, ", plain(member(pairs, "ties")), " ties, ",
                  plain(member(pairs, "losses")), " lost; position bias ",
                  percent(member(pairs, "position_bias_rate"), 0), ")");
    }
    text += str(", invalid ", percent(member(member(task, "model"), "invalid_rate"), 0), "\n");
  }
  return text.empty() ? "" : str("\n### Judge: ", md(member(judge, "judge")), "\n\n", text);
}

}  // namespace

std::string report_markdown(const Json& report) {
  const auto overall = overall_of(report);
  auto text = str("## ", sign_of(overall.severity), " ", overall.headline, "\n\n");
  if (!overall.reason.empty()) text += md(overall.reason) + ".\n\n";
  text += "Model: " + md(described_model(report["model"]));
  if (report["baseline"].is_object())
    text += "; baseline: " + md(described_model(report["baseline"]));
  text += "\n\n";
  for (const auto& [severity, finding] : findings_of(report))
    text += str("- ", sign_of(severity), " ", md(finding), "\n");
  for (const auto& task : report["tasks"]) text += metric_table(report, task) + worse_slices(task);
  text += judge_text(member(report, "judge")) + forgetting_text(member(report, "forgetting"));
  return str(text, "\nIn brackets: 95 % intervals. Everything else is in `report.html`.\n");
}

}  // namespace tunewright::eval

#include <cmath>

#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/chart.h"
#include "tunewright/eval/report_parts.h"

namespace tunewright::eval {
namespace {

std::string mark_row(std::string_view who, std::string_view css_class, const Json& marks) {
  const auto& score = member(marks, "score");
  return str("<tr><th class=\"", css_class, "\">", who, "</th><td class=\"n\">",
             figure(member(score, "value"), 2), "<small>", range(score, 2),
             "</small></td><td class=\"n\">", escaped(member(marks, "valid")),
             "</td><td class=\"n\">", escaped(member(marks, "invalid")), " (",
             percent(member(marks, "invalid_rate"), 0), ")</td></tr>\n");
}

// Wins, ties and losses as parts of one bar.
std::string pair_bar(const Json& pairs) {
  const auto count = [&](const char* key) {
    return member(pairs, key).is_number() ? pairs[key].get<double>() : 0.0;
  };
  const double wins = count("wins"), ties = count("ties"), losses = count("losses");
  const double all = wins + ties + losses;
  if (all == 0) return "<p class=\"soft\">No pair was judged validly.</p>\n";
  const auto part = [&](const char* css_class, double value) {
    return str("<i class=\"", css_class, "\" style=\"width:", fixed(100 * value / all, 2),
               "%\"></i>");
  };
  return str("<div class=\"pairs\">", part("win", wins), part("tie", ties), part("loss", losses),
             "</div>\n<p class=\"soft key pair-key\"><span class=\"win\">model better: ", wins,
             "</span><span class=\"tie\">tie: ", ties,
             "</span><span class=\"loss\">baseline better: ", losses, "</span></p>\n");
}

std::string pairs_html(const Json& pairs) {
  if (!pairs.is_object()) return "";
  return str("<h3>Which answer is better?</h3>\n", pair_bar(pairs), "<p>Win rate ",
             percent(member(member(pairs, "win_rate"), "value"), 1),
             " <span class=\"soft\">(95 %: ", percent(member(member(pairs, "win_rate"), "low"), 1),
             " to ", percent(member(member(pairs, "win_rate"), "high"), 1),
             "; ties count half)</span></p>\n<p class=\"soft\">Asked in both orders; a win only "
             "where both agree. Position bias: ",
             percent(member(pairs, "position_bias_rate"), 0),
             " of the pairs contradicted; the first answer chosen in ",
             percent(member(pairs, "first_chosen_rate"), 0),
             " of decided questions. Invalid: ", escaped(member(pairs, "invalid")), " (",
             percent(member(pairs, "invalid_rate"), 0),
             "). Equal answers: ", escaped(member(pairs, "identical")), ".</p>\n");
}

std::string agreement_html(const Json& agreements) {
  std::string rows;
  const auto add = [&](const Json& with, const char* what, const Json& kappa) {
    if (!kappa.is_object()) return;
    rows += str("<tr><th>", escaped(with), ", ", what, "</th><td class=\"n\">",
                escaped(member(kappa, "rows")), "</td><td class=\"n\">",
                percent(member(kappa, "agreed"), 0), "</td><td class=\"n\">",
                figure(member(kappa, "kappa"), 2), "</td><td class=\"n\">",
                figure(member(kappa, "weighted_kappa"), 2), "</td></tr>\n");
  };
  for (const auto& agreement : agreements) {
    add(member(agreement, "with"), "marks", member(agreement, "score"));
    add(member(agreement, "with"), "preference", member(agreement, "preference"));
  }
  if (rows.empty()) return "";
  return str(
      "<h3>Agreement</h3>\n<div class=\"scroll\"><table><thead><tr><th>with</th><th "
      "class=\"n\">rows</th><th class=\"n\">the same</th><th class=\"n\">kappa</th><th "
      "class=\"n\">weighted</th></tr></thead><tbody>\n",
      rows, "</tbody></table></div>\n");
}

std::string reasons_html(const Json& task) {
  std::string rows;
  for (const char* who : {"model", "baseline", "pairwise"}) {
    for (const auto& [reason, count] : member(member(task, who), "reasons").items())
      rows += str("<tr><td>", html_escape(reason), "</td><td class=\"n\">", escaped(count),
                  "</td></tr>\n");
  }
  if (rows.empty()) return "";
  return str("<details><summary>Why answers of the judge are invalid</summary><table>", rows,
             "</table></details>\n");
}

std::string figure_row(std::string_view name, const std::string& before, const std::string& after,
                       const std::string& change) {
  return str("<tr><th>", name, "</th><td class=\"n\">", before, "</td><td class=\"n\">", after,
             "</td><td class=\"n\">", change, "</td></tr>\n");
}

std::string kept_text(const Json& format) {
  if (!format.is_object()) return "–";
  return str(plain(member(format, "kept")), " of ", plain(member(format, "probes")));
}

std::string small(const std::string& text) { return str("<small>", text, "</small>"); }

// "53.0–77.0 %", and with signs where a change is meant.
std::string percent_range(const Json& interval, bool is_change = false) {
  const auto text = [&](const char* key) {
    const auto& value = member(interval, key);
    if (!value.is_number()) return std::string("–");
    const Json hundredfold = 100 * value.get<double>();
    return is_change ? signed_figure(hundredfold, 1) : figure(hundredfold, 1);
  };
  return text("low") + (is_change ? " to " : "–") + text("high") + " %";
}

}  // namespace

std::string judge_section(const Json& judge) {
  if (!judge.is_object()) return "";
  auto html =
      str("<h2>What the judge says</h2>\n<p class=\"soft\">", escaped(member(judge, "judge")),
          member(judge, "second").is_string() ? ", beside " + escaped(judge["second"]) : "",
          "; marks ", escaped(member(judge, "scale")), "; ", escaped(member(judge, "requests")),
          " requests, ", escaped(member(judge, "cached")), " of them known already</p>\n");
  for (const auto& task : member(judge, "tasks")) {
    html += str(
        "<div class=\"card\"><h3>", escaped(member(task, "task")),
        "</h3><div class=\"scroll\"><table><thead><tr><th></th><th class=\"n\">mean "
        "mark</th><th class=\"n\">valid</th><th class=\"n\">invalid</th></tr></thead><tbody>\n");
    if (task.contains("baseline")) html += mark_row("baseline", "old", task["baseline"]);
    html += mark_row("model", "new", member(task, "model"));
    const auto& difference = member(task, "difference");
    if (difference.is_object()) {
      html += str("<tr><th>difference</th><td class=\"n\">",
                  signed_figure(member(difference, "value"), 2), small(signed_range(difference, 2)),
                  "</td><td></td><td></td></tr>\n");
    }
    html += str("</tbody></table></div>\n", pairs_html(member(task, "pairwise")),
                agreement_html(member(task, "agreement")), reasons_html(task), "</div>\n");
  }
  return html;
}

std::string forgetting_section(const Json& forgetting) {
  if (!forgetting.is_object()) return "";
  const auto& increase = member(forgetting, "ppl_increase");
  const auto& accuracy = member(forgetting, "choice_accuracy");
  const auto& accuracy_before = member(forgetting, "baseline_choice_accuracy");
  const auto& difference = member(forgetting, "choice_difference");
  const auto& kl = member(forgetting, "kl");
  const auto signed_percent = [](const Json& value) {
    const auto text = percent(value, 1);
    return text.starts_with('-') ? "−" + text.substr(1) : "+" + text;
  };
  auto html = str(
      "<h2>What it forgot</h2>\n<p class=\"soft\">On the fixed general set, version ",
      escaped(member(member(forgetting, "general_set"), "version")),
      ", that has nothing to do with the task</p>\n<div class=\"card\"><div "
      "class=\"scroll\"><table>"
      "<thead><tr><th></th><th class=\"n old\">baseline</th><th class=\"n new\">model</th><th "
      "class=\"n\">change</th></tr></thead><tbody>\n",
      figure_row("perplexity of general text", figure(member(forgetting, "baseline_perplexity"), 2),
                 figure(member(forgetting, "perplexity"), 2),
                 signed_percent(member(increase, "value")) + small(percent_range(increase, true))),
      figure_row(
          "general questions right",
          percent(member(accuracy_before, "value"), 1) + small(percent_range(accuracy_before)),
          percent(member(accuracy, "value"), 1) + small(percent_range(accuracy)),
          signed_percent(member(difference, "value")) + small(percent_range(difference, true))),
      figure_row("chat format kept", kept_text(member(forgetting, "baseline_format")),
                 kept_text(member(forgetting, "format")), ""),
      figure_row("KL divergence on neutral prompts, nats a token", "",
                 figure(member(kl, "value"), 4) + small(range(kl, 4)), ""),
      figure_row("the same likeliest token", "", percent(member(forgetting, "same_top"), 1), ""),
      "</tbody></table></div>\n<details><summary>Perplexity by kind of "
      "text</summary><table><tbody>\n");
  for (const auto& domain : member(forgetting, "domains")) {
    html += str("<tr><th>", escaped(member(domain, "domain")), "</th><td class=\"n\">",
                figure(member(domain, "baseline_perplexity"), 2), "</td><td class=\"n\">",
                figure(member(domain, "perplexity"), 2), "</td></tr>\n");
  }
  return html + "</tbody></table></details></div>\n";
}

}  // namespace tunewright::eval

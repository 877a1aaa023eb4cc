#include "tunewright/observe/cards/compliance.h"

#include <algorithm>
#include <map>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/html.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/base/version.h"
#include "tunewright/observe/cards/compliance_points.h"
#include "tunewright/observe/cards/model_card.h"
#include "tunewright/observe/catalogue/catalogue.h"

namespace tunewright::observe {
namespace {

std::string text_at(const Json& json, const char* section, const char* key) {
  const auto value = json.value(section, Json::object()).value(key, Json());
  return value.is_null() ? "" : fact_text(value);
}

std::string item(std::string_view label, const std::string& value) {
  return value.empty() ? "" : str("- ", label, ": ", markdown_cell(value), "\n");
}

std::string identity(const CardFacts& facts) {
  const auto& card = facts.card;
  auto text = item("Intended purpose", card.intended_use) + item("Provider", card.provider) +
              item("Contact", card.contact) + item("System", card.title);
  if (text.empty()) return "";
  return text +
         item("Version", str(facts.name, ", configuration ",
                             facts.manifest.value("config_sha256", "unknown"))) +
         item("Base model", facts.base_name);
}

std::string versions(const CardFacts& facts) {
  if (facts.manifest.empty()) return "";
  return item("tunewright", facts.manifest.value("tunewright", "")) +
         item("Program (SHA-256)", facts.manifest.value("program_sha256", "")) +
         item("libtorch", facts.manifest.value("libtorch", "")) +
         item("Base model (fingerprint)",
              text_at(facts.manifest, "base_model", "fingerprint_sha256"));
}

std::string forms(const CardFacts& facts) {
  std::string text;
  for (const auto& line : facts.history) {
    if (line.event == "merged")
      text += item("Merged model", str(line.time, ", ", line.details.value("out", "")));
  }
  return text;
}

std::string instructions(const CardFacts& facts) {
  const auto& card = facts.card;
  return item("Intended use", card.intended_use) + item("Not for", card.out_of_scope_use) +
         item("Limits", card.limits) + item("Human oversight", card.human_oversight);
}

std::string method(const CardFacts& facts) {
  const auto type = text_at(facts.config, "adapter", "type");
  return item("Pre-trained system",
              str(text_at(facts.config, "model", "path"), " (", facts.base_name,
                  "), by a third party, licence ",
                  facts.base_license.empty() ? "unknown" : facts.base_license)) +
         item("Modified by", type == "lora"     ? "a LoRA adapter beside frozen weights"
                             : type == "freeze" ? "training of its last layers"
                                                : "full fine-tuning") +
         item("Tool", str("tunewright ", facts.manifest.value("tunewright", "?"))) +
         item("Steps", "data (2(d)), training by the configuration (2(b)), testing (2(g))");
}

std::string design(const CardFacts& facts) {
  std::string text = "Optimised for: the likelihood of the supervised tokens (cross-entropy, ";
  text +=
      str("objective `", text_at(facts.config, "training", "objective"),
          "`). Output: text, token by token. Parameters:\n\n| parameter | value |\n|---|---|\n");
  for (const auto* section : {"model", "adapter", "training", "data"}) {
    for (const auto& [key, value] : flat_items(facts.config.value(section, Json::object())))
      text += str("| `", section, ".", markdown_cell(key), "` | ", markdown_cell(fact_text(value)),
                  " |\n");
  }
  return text;
}

std::string resources(const CardFacts& facts) {
  if (facts.report.empty()) return "";
  const auto number = [&](const char* key) { return facts.report.value(key, 0.0); };
  return item("Architecture",
              str("decoder-only language model, ", human_count(number("total_parameters")),
                  " parameters, ", human_count(number("trainable_parameters")),
                  " of them trained")) +
         item("Processor", text_at(facts.manifest, "hardware", "processor")) +
         item("Time of training", human_seconds(number("train_seconds"))) +
         item("Peak memory", human_bytes(number("peak_memory_bytes"))) +
         item("Energy of training", energy_text(facts.report));
}

std::string data(const CardFacts& facts) { return facts.data.empty() ? "" : data_text(facts); }

std::string oversight(const CardFacts& facts) {
  return item("Measure", facts.card.human_oversight);
}

std::string testing(const CardFacts& facts) {
  const auto table = figures_table(facts);
  std::string text = table;
  for (const auto& record : facts.evaluations)
    text += str("- Report of ", record.time, ": `", markdown_cell(record.path), "`\n");
  if (!table.empty()) text += str("\n", contamination_text(facts));
  const auto bias = bias_text(facts);
  if (!bias.empty()) text += str("\n", bias);
  for (const auto& approval : facts.approvals)
    text += str("- Approved ", approval.time, " by ", markdown_cell(approval.by), " ",
                markdown_cell(approval.note), "\n");
  return text;
}

std::string security(const CardFacts& facts) {
  if (facts.manifest.empty()) return "";
  return "- Weights are safetensors files, which hold no code; templates run in an interpreter "
         "with "
         "limits.\n- Hashes of data, base model, program and weights stand in `manifest.json` and "
         "in "
         "the hash-chained audit trail (`tunewright runs verify`).\n";
}

std::string functioning(const CardFacts& facts) {
  return item("Known limits", facts.card.limits) +
         item("Human oversight", facts.card.human_oversight) + figures_table(facts) +
         bias_text(facts) +
         item("Input", str("text of at most ", text_at(facts.config, "data", "max_length"),
                           " tokens, as in training"));
}

std::string metrics(const CardFacts& facts) {
  std::map<std::string, std::vector<std::string>> by_task;
  for (const auto& figure : measured_figures(facts)) by_task[figure.task].push_back(figure.metric);
  std::string text;
  for (const auto& [task, names] : by_task) text += item(task, join(names, ", "));
  return text;
}

std::string changes(const CardFacts& facts) {
  std::string text;
  for (const auto& line : facts.history)
    text += str("- ", line.time, ": ", line.event, " by ",
                markdown_cell(line.details.value("by", line.actor)), "\n");
  return text;
}

std::string data_choices(const CardFacts& facts) {
  std::string text;
  for (const auto* key : {"max_length", "overflow", "packing", "shuffle", "train_on"})
    text += item(key, text_at(facts.config, "data", key));
  return text;
}

// Of one field of the builds' reports, where there are builds.
template <class Of>
std::string of_builds(const CardFacts& facts, const Of& of) {
  std::string text;
  for (const auto& data : facts.data) {
    if (!data.build.empty()) text += of(data);
  }
  return text;
}

std::string origin(const CardFacts& facts) {
  return of_builds(facts, [](const DataCard& data) {
    std::string text;
    for (const auto& source : data.build.value("sources", Json::array()))
      text += str("- `", markdown_cell(data.path), "` from `",
                  markdown_cell(source.value("path", "")), "`\n");
    const auto card = data.build.value("recipe", Json::object()).value("card", Json::object());
    return text + item("Licence", card.value("license", "")) +
           item("Description", card.value("description", ""));
  });
}

std::string preparation(const CardFacts& facts) {
  return of_builds(facts, [](const DataCard& data) {
    std::string text;
    for (const auto& step : data.build.value("steps", Json::array()))
      text += str("- `", markdown_cell(data.path), "`: ", markdown_cell(step.value("name", "")),
                  ", ", fact_text(step.value("dropped", Json())), " rows dropped, ",
                  fact_text(step.value("changed", Json())), " changed\n");
    return text;
  });
}

std::string quantity(const CardFacts& facts) {
  const auto rows = facts.report.value("data", Json::object());
  if (rows.empty()) return "";
  return item("Training rows", fact_text(rows.value("train_rows", Json()))) +
         item("Training tokens", fact_text(rows.value("train_tokens", Json()))) +
         item("Evaluation rows", fact_text(rows.value("eval_rows", Json())));
}

std::string gaps(const CardFacts& facts) {
  return of_builds(facts, [](const DataCard& data) {
    std::string text;
    for (const auto& finding : data.build.value("findings", Json::array())) {
      if (finding.value("severity", "") == "warning")
        text += str("- `", markdown_cell(data.path),
                    "`: ", markdown_cell(finding.value("text", "")), "\n");
    }
    return text;
  });
}

std::string representative(const CardFacts& facts) {
  auto text = of_builds(facts, [](const DataCard& data) {
    const auto texts = data.build.value("texts", Json::object()).value("after", Json::object());
    return str("- `", markdown_cell(data.path), "`: ", fact_text(texts.value("rows", Json())),
               " rows, ", fact_text(texts.value("characters", Json())), " characters, shortest ",
               fact_text(texts.value("shortest", Json())), ", longest ",
               fact_text(texts.value("longest", Json())), "\n");
  });
  return text.empty() ? "" : text + contamination_text(facts);
}

std::string setting(const CardFacts& facts) {
  return item("Languages", join(languages_of(facts), ", "));
}

std::string special(const CardFacts& facts) {
  return of_builds(facts, [](const DataCard& data) {
    std::string text;
    for (const auto& step : data.build.value("steps", Json::array())) {
      if (step.value("name", "").starts_with("pii"))
        text += str("- `", markdown_cell(data.path),
                    "`: personal data was searched for and replaced "
                    "in ",
                    fact_text(step.value("changed", Json())), " rows\n");
    }
    return text;
  });
}

using Fill = std::string (*)(const CardFacts&);
const std::map<std::string, Fill>& fills() {
  static const std::map<std::string, Fill> kFills = {{"identity", identity},
                                                     {"versions", versions},
                                                     {"forms", forms},
                                                     {"instructions", instructions},
                                                     {"method", method},
                                                     {"design", design},
                                                     {"resources", resources},
                                                     {"data", data},
                                                     {"oversight", oversight},
                                                     {"testing", testing},
                                                     {"security", security},
                                                     {"functioning", functioning},
                                                     {"metrics", metrics},
                                                     {"changes", changes},
                                                     {"data_choices", data_choices},
                                                     {"origin", origin},
                                                     {"preparation", preparation},
                                                     {"quantity", quantity},
                                                     {"bias", bias_text},
                                                     {"gaps", gaps},
                                                     {"representative", representative},
                                                     {"setting", setting},
                                                     {"special", special}};
  return kFills;
}

void check_answers(const Json& answers) {
  if (!answers.is_object())
    throw UserError("the answers: expected keys and texts, as annex_iv.1.b: …");
  std::vector<std::string> keys;
  for (const auto& demand : kDemands) keys.emplace_back(demand.key);
  for (const auto& [key, value] : answers.items()) {
    if (std::ranges::find(keys, key) == keys.end())
      throw UserError(str("the answers: '", key, "' is no point", suggestion(key, keys)));
    if (!value.is_string()) throw UserError(str("the answers: ", key, ": expected a text"));
  }
}

bool is_missing(const CompliancePoint& point) { return point.content.empty(); }

std::string missing_mark(const CompliancePoint& point) {
  return str("**MISSING.** To be supplied: ",
             point.needed.empty() ? "what the point asks for" : point.needed, " (`", point.key,
             "` of the file of answers).");
}

std::string disclaimer() {
  return "This document gathers what is on record. It is filled by a program, is no legal advice, "
         "and "
         "replaces neither the provider's assessment nor a signature.";
}

// The few marks that the texts above use: tables, lists, bold, code.
std::string inline_html(const std::string& markdown) {
  std::string html;
  bool bold = false, code = false;
  const auto text = html_escape(replace_all(markdown, "\\|", "|"));
  for (size_t i = 0; i < text.size(); ++i) {
    if (!code && text.compare(i, 2, "**") == 0) {
      html += bold ? "</strong>" : "<strong>";
      bold = !bold;
      ++i;
    } else if (text[i] == '`') {
      html += code ? "</code>" : "<code>";
      code = !code;
    } else {
      html += text[i];
    }
  }
  return html + (code ? "</code>" : "") + (bold ? "</strong>" : "");
}

std::vector<std::string> cells_of(const std::string& row) {
  constexpr std::string_view kBar = "\x01";  // stands for an escaped bar
  auto cells = split(replace_all(row, "\\|", kBar), '|');
  cells.erase(cells.begin());
  if (!cells.empty()) cells.pop_back();
  for (auto& cell : cells) cell = replace_all(std::string(trim(cell)), kBar, "|");
  return cells;
}

std::string block_html(const std::string& markdown) {
  std::string html;
  std::string open;  // the element that lines belong to
  const auto turn_to = [&](const std::string& element) {
    if (open == element) return;
    if (!open.empty()) html += open == "table" ? "</table></div>\n" : str("</", open, ">\n");
    if (!element.empty())
      html += element == "table" ? std::string("<div class='scroll'><table>\n")
                                 : str("<", element, ">\n");
    open = element;
  };
  for (const auto& line : split(markdown, '\n')) {
    const auto text = std::string(trim(line));
    if (text.empty()) {
      turn_to("");
    } else if (text.starts_with("|---")) {
      continue;
    } else if (text.starts_with("|")) {
      const std::string tag = open == "table" ? "td" : "th";
      turn_to("table");
      html += "<tr>";
      for (const auto& cell : cells_of(text))
        html += str("<", tag, ">", inline_html(cell), "</", tag, ">");
      html += "</tr>\n";
    } else if (text.starts_with("- ")) {
      turn_to("ul");
      html += str("<li>", inline_html(text.substr(2)), "</li>\n");
    } else {
      turn_to("p");
      html += inline_html(text) + "\n";
    }
  }
  turn_to("");
  return html;
}

constexpr std::string_view kStyle = R"(
.card.missing{border-left:5px solid var(--warning)}code{background:var(--chip);padding:0 .2rem;border-radius:3px}ul{padding-left:1.2rem})";

}  // namespace

std::vector<CompliancePoint> compliance_points(const CardFacts& facts, const Json& answers) {
  check_answers(answers);
  std::vector<CompliancePoint> points;
  for (const auto& demand : kDemands) {
    CompliancePoint point{.number = demand.number,
                          .key = demand.key,
                          .demand = demand.demand,
                          .needed = demand.needed};
    if (answers.contains(demand.key)) {
      point.content = answers[demand.key].get<std::string>() + "\n";
      point.needed.clear();
    }
    if (const auto fill = fills().find(demand.fill); fill != fills().end()) {
      const auto known = fill->second(facts);
      if (!known.empty()) point.content += (point.content.empty() ? "" : "\n") + known;
    }
    points.push_back(std::move(point));
  }
  return points;
}

std::string compliance_markdown(const CardFacts& facts,
                                const std::vector<CompliancePoint>& points) {
  const auto missing = std::ranges::count_if(points, is_missing);
  std::string text = str("# Technical documentation of ", markdown_cell(facts.name),
                         "\n\nRegulation (EU) 2024/1689, Annex IV and Article 10. Written ",
                         utc_now(), " by tunewright ", version(), ".\n\n", disclaimer(), "\n\n**",
                         std::ssize(points) - missing, " of ", points.size(),
                         " points have content, ", missing, " are missing:** ");
  std::vector<std::string> numbers;
  for (const auto& point : points) {
    if (is_missing(point)) numbers.push_back(point.number);
  }
  text += numbers.empty() ? "none.\n" : join(numbers, ", ") + ".\n";
  for (const auto& point : points) {
    text += str("\n## ", point.number, "\n\n*", point.demand, ".*\n\n",
                is_missing(point) ? missing_mark(point) + "\n" : point.content);
    if (!is_missing(point) && !point.needed.empty())
      text += str("\nStill to be supplied by the provider, as far as it is not said above: ",
                  point.needed, ".\n");
  }
  return text;
}

std::string compliance_page(const CardFacts& facts, const std::vector<CompliancePoint>& points) {
  const auto missing = std::ranges::count_if(points, is_missing);
  const auto title = str("Technical documentation of ", facts.name);
  std::string body =
      str("<h1>", html_escape(title),
          "</h1>\n<p>Regulation (EU) 2024/1689, Annex IV and Article 10. Written ", utc_now(),
          " by tunewright ", version(), ".</p>\n<p class='soft'>", disclaimer(),
          "</p>\n<p><strong>", std::ssize(points) - missing, " of ", points.size(),
          " points have content, ", missing, " are missing.</strong></p>\n");
  for (const auto& point : points) {
    body += str("<section class='card", is_missing(point) ? " missing" : "", "'><h3>", point.number,
                "</h3><p class='soft'>", html_escape(point.demand), ".</p>\n",
                block_html(is_missing(point) ? missing_mark(point) : point.content));
    if (!is_missing(point) && !point.needed.empty())
      body +=
          str("<p class='soft'>Still to be supplied by the provider, as far as it is not said "
              "above: ",
              inline_html(point.needed), ".</p>");
    body += "</section>\n";
  }
  return html_page({.title = title, .style = std::string(kStyle), .body = std::move(body)});
}

}  // namespace tunewright::observe

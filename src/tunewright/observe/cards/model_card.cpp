#include "tunewright/observe/cards/model_card.h"

#include <algorithm>
#include <array>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/catalogue/catalogue.h"

namespace tunewright::observe {
namespace {

bool is_lora(const CardFacts& facts) {
  return facts.config.value("adapter", Json::object()).value("type", "lora") == "lora";
}

std::string method_of(const CardFacts& facts) {
  const auto adapter = facts.config.value("adapter", Json::object());
  const auto type = adapter.value("type", "lora");
  if (type == "lora")
    return str("LoRA (rank ", fact_text(adapter.value("r", Json())), ", alpha ",
               fact_text(adapter.value("lora_alpha", Json())), ")");
  return type == "freeze" ? "training of the last layers" : "full fine-tuning";
}

std::string title_of(const CardFacts& facts) {
  return facts.card.title.empty() ? str(facts.base_name, ", fine-tuned: ", facts.name)
                                  : facts.card.title;
}

// A data set of the Hub has a name; a file on disk has the name of its folder, which is what `data
// build` makes, and its own.
std::string data_set_name(const DataCard& data) {
  const auto card = data.build.value("recipe", Json::object()).value("card", Json::object());
  const auto title = card.value("title", "");
  return title.empty() ? fs::path(data.path).filename().string() : title;
}

Json model_index(const CardFacts& facts) {
  Json results = Json::array();
  for (const auto& figure : measured_figures(facts)) {
    if (!figure.value.is_number()) continue;
    if (results.empty() || results.back()["dataset"]["name"] != figure.task) {
      results.push_back(
          {{"task", {{"type", "text-generation"}}},
           {"dataset",
            {{"name", figure.task}, {"type", fs::path(figure.data).filename().string()}}},
           {"metrics", Json::array()}});
    }
    results.back()["metrics"].push_back(
        {{"type", figure.metric}, {"name", figure.metric}, {"value", figure.value}});
  }
  const auto loss = facts.report.value("eval_loss", Json());
  if (loss.is_number()) {
    results.push_back(
        {{"task", {{"type", "text-generation"}}},
         {"dataset", {{"name", "held-out rows of the training run"}, {"type", "validation"}}},
         {"metrics",
          {{{"type", "loss"}, {"name", "eval_loss"}, {"value", loss}},
           {{"type", "perplexity"},
            {"name", "eval_perplexity"},
            {"value", facts.report.value("eval_perplexity", Json())}}}}});
  }
  if (results.empty()) return nullptr;
  return Json::array({{{"name", facts.name}, {"results", std::move(results)}}});
}

Json front_matter(const CardFacts& facts) {
  Json matter = Json::object();
  if (const auto license = license_of(facts); !license.empty()) matter["license"] = license;
  matter["base_model"] = facts.base_name;
  if (is_lora(facts)) matter["base_model_relation"] = "adapter";
  std::set<std::string> names;
  for (const auto& data : facts.data) names.insert(data_set_name(data));
  if (!names.empty()) matter["datasets"] = names;
  if (const auto languages = languages_of(facts); !languages.empty())
    matter["language"] = languages;
  matter["library_name"] = is_lora(facts) ? "peft" : "transformers";
  matter["pipeline_tag"] = "text-generation";
  matter["tags"] = {"tunewright", is_lora(facts) ? "lora" : "fine-tuned"};
  if (auto index = model_index(facts); !index.is_null()) matter["model-index"] = std::move(index);
  return matter;
}

std::string or_missing(const std::string& text, std::string_view key) {
  return text.empty() ? str("*Not stated (`card.", key, "` of the configuration).*") : text;
}

std::string uses_text(const CardFacts& facts) {
  const auto& card = facts.card;
  return str("## Intended use\n\n", or_missing(card.intended_use, "intended_use"),
             "\n\n**Not for:** ", or_missing(card.out_of_scope_use, "out_of_scope_use"),
             "\n\n**Human oversight:** ", or_missing(card.human_oversight, "human_oversight"),
             "\n\n**Responsible:** ", or_missing(card.provider, "provider"),
             card.contact.empty() ? "" : ", " + card.contact, "\n");
}

std::string training_text(const CardFacts& facts) {
  const auto& report = facts.report;
  std::string text = "## Training\n\n";
  if (report.empty())
    return text + "*The run is not finished: report.json is missing, and with it its figures.*\n";
  const auto number = [&](const char* key, int digits) {
    const auto value = report.value(key, Json());
    return value.is_number() ? fixed(value.get<double>(), digits) : std::string("not measured");
  };
  const auto seconds = report.value("train_seconds", 0.0);
  text +=
      str("| | |\n|---|---|\n| Method | ", method_of(facts), " |\n| Outcome | ",
          report.value("outcome", "unknown"), " after ", fact_text(report.value("steps", Json())),
          " steps |\n| Training loss, first and last | ", number("first_loss", 4), " → ",
          number("last_loss", 4), " |\n");
  if (report.value("eval_loss", Json()).is_number())
    text += str("| Evaluation loss, perplexity | ", number("eval_loss", 4), ", ",
                number("eval_perplexity", 3), " |\n");
  text += str("| Tokens | ", human_count(report.value("tokens", 0.0)), " (",
              human_count(report.value("supervised_tokens", 0.0)), " supervised) |\n");
  text += str(
      "| Trainable parameters | ", human_count(report.value("trainable_parameters", 0.0)), " of ",
      human_count(report.value("total_parameters", 0.0)), " |\n| Time of the steps | ",
      human_seconds(seconds), " |\n| Speed | ", number("tokens_per_second", 0),
      " tokens/s |\n| Peak memory | ", human_bytes(report.value("peak_memory_bytes", 0.0)),
      " |\n| Hardware | ",
      markdown_cell(facts.manifest.value("hardware", Json::object()).value("processor", "unknown")),
      " |\n| Energy | ", energy_text(report), " |\n| Cost | ");
  const auto cost = report.value("cost", Json());
  text += cost.is_number() ? str(fixed(cost.get<double>(), 2), " ", report.value("currency", ""))
                           : std::string("not stated (`cost.hourly` of the configuration)");
  return text + " |\n";
}

std::string evaluation_text(const CardFacts& facts) {
  const auto table = figures_table(facts);
  auto text = str("## Evaluation\n\n",
                  table.empty() ? "*Not evaluated: no `tunewright eval` of these weights is on "
                                  "record.*\n"
                                : table);
  for (const auto& record : facts.evaluations) {
    const auto gates = record.report.value("gates", Json::array());
    if (!gates.is_array() || gates.empty()) continue;
    text += str("\nGates of ", record.time, ": ",
                record.report.value("passed", false) ? "passed" : "**failed**", ".\n");
  }
  const auto bias = bias_text(facts);
  return text + "\n### Bias\n\n" +
         (bias.empty() ? "*Not measured: no bias task and no groups were evaluated.*\n" : bias) +
         "\n### Contamination\n\n" + contamination_text(facts);
}

std::string limits_text(const CardFacts& facts) {
  std::string text = str("## Limits\n\n", or_missing(facts.card.limits, "limits"), "\n");
  const auto setbacks = facts.report.value("skipped_steps", 0);
  if (setbacks > 0)
    text += str("\n- ", setbacks, " training steps were dropped: their numbers were not finite.\n");
  const auto quantization =
      facts.config.value("model", Json::object()).value("quantization", Json());
  if (quantization.is_string())
    text += str("\n- Trained on base weights quantised to ", quantization.get<std::string>(),
                "; with unquantised ones its answers differ a little.\n");
  return text;
}

std::string licence_text(const CardFacts& facts) {
  const auto own = license_of(facts);
  std::string text =
      str("## Licence\n\n- Of these weights: ", own.empty() ? "*not stated (`card.license`)*" : own,
          "\n- Of the base model ", markdown_cell(facts.base_name), ": ",
          facts.base_license.empty() ? "*unknown (its folder has no README.md that "
                                       "states one); its terms hold all the same*"
                                     : facts.base_license,
          "\n");
  for (const auto& data : facts.data) {
    const auto card = data.build.value("recipe", Json::object()).value("card", Json::object());
    const auto license = card.value("license", "");
    text += str("- Of the data `", markdown_cell(data.path),
                "`: ", license.empty() ? "*not stated*" : license, "\n");
  }
  return text;
}

std::string approvals_text(const CardFacts& facts) {
  if (facts.approvals.empty())
    return "## Approval\n\n*Nobody has approved these weights (`tunewright runs approve`).*\n";
  std::string text = "## Approval\n\n";
  for (const auto& approval : facts.approvals)
    text += str("- ", approval.time, ": ", markdown_cell(approval.by),
                approval.note.empty() ? "" : ": " + markdown_cell(approval.note), "\n");
  return text;
}

std::string number_text(const Json& value) {
  return value.is_number() ? fixed(value.get<double>(), 4) : std::string("–");
}

// "0.6100 [0.5500, 0.6700]" of {"value","low","high"}.
std::string interval_text(const Json& figure) {
  const auto low = figure.value("low", Json()), high = figure.value("high", Json());
  const auto value = number_text(figure.value("value", Json()));
  return low.is_number() ? str(value, " [", number_text(low), ", ", number_text(high), "]") : value;
}

bool is_about_bias(const Json& task) {
  constexpr std::array<std::string_view, 3> kTypes = {"crows_pairs", "bbq", "counterfactual"};
  const auto type = task.value("options", Json::object()).value("type", "");
  return std::ranges::find(kTypes, type) != kTypes.end();
}

std::string bias_figures(const Json& task) {
  std::string text;
  const auto metrics = task.value("metrics", Json::object());
  for (const auto& [metric, figure] : metrics.items()) {
    if (figure.is_object())
      text += str("- ", markdown_cell(task.value("name", "")), ": ", markdown_cell(metric), " ",
                  interval_text(figure), "\n");
  }
  return text;
}

// Of a task with `group_by`: each group, and how far they lie apart.
std::string group_figures(const Json& task) {
  const auto found = task.value("groups", Json::object());
  const auto groups = found.value("groups", Json::object());
  if (groups.empty()) return "";
  const auto opening =
      str("- ", markdown_cell(task.value("name", "")), ", by ",
          markdown_cell(task.value("options", Json::object()).value("group_by", "")));
  std::string text;
  for (const auto& [group, figure] : groups.items())
    text += str(opening, ": ", markdown_cell(group), " ", interval_text(figure), " (",
                fact_text(figure.value("rows", Json())), " rows)\n");
  return text + str(opening, ": gap ", interval_text(found.value("gap", Json::object())), ", p ",
                    number_text(found.value("p_value", Json())), "\n");
}

std::string use_text(const CardFacts& facts) {
  const auto model = facts.config.value("model", Json::object()).value("path", "");
  return is_lora(facts)
             ? str("```\ntunewright chat --model ", model, " --adapter ",
                   (facts.folder / "adapter").string(), "\n```\n")
             : str("```\ntunewright chat --model ", (facts.folder / "model").string(), "\n```\n");
}

}  // namespace

std::string markdown_cell(const std::string& text) {
  return replace_all(replace_all(replace_all(text, "|", "\\|"), "\n", " "), "\r", " ");
}

std::string figures_table(const CardFacts& facts) {
  const auto figures = measured_figures(facts);
  if (figures.empty()) return "";
  std::string text =
      "| task | figure | value | 95 % interval | baseline |\n|---|---|---:|---:|---:|\n";
  for (const auto& figure : figures) {
    text +=
        str("| ", markdown_cell(figure.task), " | ", markdown_cell(figure.metric), " | ",
            number_text(figure.value), " | ",
            figure.low.is_number() ? str(number_text(figure.low), " to ", number_text(figure.high))
                                   : "–",
            " | ", number_text(figure.baseline), " |\n");
  }
  return text;
}

std::string bias_text(const CardFacts& facts) {
  std::string text;
  for (const auto& task : newest_tasks(facts)) {
    if (is_about_bias(task)) text += bias_figures(task);
    text += group_figures(task);
  }
  return text;
}

std::string contamination_text(const CardFacts& facts) {
  std::string text;
  for (const auto& data : facts.data) {
    for (const auto& step : data.build.value("steps", Json::array())) {
      if (!step.value("name", "").starts_with("decontaminate")) continue;
      text +=
          str("- `", markdown_cell(data.path), "` was searched for the texts of evaluation sets ",
              "when it was built: ", fact_text(step.value("dropped", Json())), " rows dropped.\n");
    }
  }
  for (const auto& overlap : facts.overlaps) {
    text += str(
        "- ", overlap.shared == 0 ? "" : "**", overlap.shared, " of ", overlap.rows, " rows of `",
        markdown_cell(overlap.evaluation), "` stand byte for byte in the training files",
        overlap.shared == 0 ? "" : ": what is measured on them is memory, not skill**", ".\n");
  }
  if (text.empty())
    return "*Not checked: the training or the evaluation files are not on disk as they were.*\n";
  return text + "- Whether the base model saw these rows in its pre-training is not known.\n";
}

std::string data_text(const CardFacts& facts) {
  if (facts.data.empty())
    return "*Unknown: manifest.json does not name the files (a run of an older version).*\n";
  std::string text;
  for (const auto& data : facts.data) {
    text +=
        str("- `", markdown_cell(data.path), "` (", data.role == "eval" ? "evaluation" : "training",
            ", SHA-256 `", data.sha256.substr(0, 16), "…`",
            data.found ? "" : "; no longer on disk with this content", ")");
    if (data.build.empty()) {
      text += ": not made by `tunewright data build`; its origin is not on record\n";
      continue;
    }
    const auto rows = data.build.value("rows", Json::object());
    const auto card = data.build.value("recipe", Json::object()).value("card", Json::object());
    text += str(": from ", fact_text(rows.value("source", Json())), " source rows, ",
                fact_text(rows.value("dropped", Json())), " dropped, ",
                fact_text(rows.value("changed", Json())), " changed");
    if (const auto about = card.value("description", ""); !about.empty())
      text += str(". ", markdown_cell(about));
    text += "\n";
    for (const auto& source : data.build.value("sources", Json::array()))
      text += str("  - source `", markdown_cell(source.value("path", "")), "`\n");
    for (const auto& step : data.build.value("steps", Json::array()))
      text += str("  - step ", markdown_cell(step.value("name", "")), ": ",
                  fact_text(step.value("dropped", Json())), " dropped, ",
                  fact_text(step.value("changed", Json())), " changed\n");
  }
  return text;
}

std::string model_card(const CardFacts& facts) {
  const auto& description = facts.card.description;
  return str("---\n", dump_yaml(front_matter(facts)), "---\n\n# ", title_of(facts), "\n\n",
             description.empty() ? "" : description + "\n\n", "Made from `",
             facts.config.value("model", Json::object()).value("path", ""), "` by ",
             method_of(facts), " with tunewright ", facts.manifest.value("tunewright", "?"),
             ".\n\n", use_text(facts), "\n", uses_text(facts), "\n## Data\n\n", data_text(facts),
             "\n", training_text(facts), "\n", evaluation_text(facts), "\n", limits_text(facts),
             "\n", licence_text(facts), "\n", approvals_text(facts),
             "\n## Configuration\n\n```yaml\n", dump_yaml(facts.config),
             "```\n\nThe loss curve is in `report.html`, every figure in `report.json` and "
             "`metrics.jsonl`; `ledger.jsonl` says what became of each input row, `manifest.json` "
             "has the hashes. `tunewright runs card` writes this page anew after an evaluation.\n");
}

}  // namespace tunewright::observe

#include <algorithm>
#include <array>

#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/corpus/build/report.h"

namespace tunewright::corpus {
namespace {

// As the Hub names sizes.
std::string size_category(int64_t rows) {
  struct Size {
    int64_t below;
    const char* name;
  };
  constexpr std::array kSizes = {Size{1'000, "n<1K"},          Size{10'000, "1K<n<10K"},
                                 Size{100'000, "10K<n<100K"},  Size{1'000'000, "100K<n<1M"},
                                 Size{10'000'000, "1M<n<10M"}, Size{100'000'000, "10M<n<100M"}};
  for (const auto& [below, name] : kSizes) {
    if (rows < below) return name;
  }
  return "100M<n<1B";
}

Json front_matter(const Json& report) {
  const auto& card = report["recipe"]["card"];
  Json files = Json::array();
  for (const auto& split : report["splits"]) {
    if (!split["file"].is_null())
      files.push_back({{"split", split["split"]}, {"path", split["file"]}});
  }
  Json matter = Json::object();
  if (card["license"] != "") matter["license"] = card["license"];
  if (!card["language"].empty()) matter["language"] = card["language"];
  matter["task_categories"] = {report["format"] == "classification" ? "text-classification"
                                                                    : "text-generation"};
  matter["size_categories"] = {size_category(report["rows"]["written"])};
  matter["tags"] = {"tunewright"};
  matter["configs"] = {{{"config_name", "default"}, {"data_files", std::move(files)}}};
  return matter;
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : dump_json(json);
}

// What a table's cell can hold.
std::string cell(const Json& json) {
  return replace_all(replace_all(text_of(json), "|", "\\|"), "\n", " ");
}

std::string files_text(const Json& report) {
  std::string text =
      "| file | rows | characters | shortest | longest |\n|---|---:|---:|---:|---:|\n";
  for (const auto& split : report["splits"]) {
    if (split["file"].is_null()) continue;
    const auto& texts = split["texts"];
    text += str("| `", cell(split["file"]), "` | ", texts["rows"], " | ", texts["characters"],
                " | ", texts["shortest"], " | ", texts["longest"], " |\n");
  }
  return text;
}

std::string steps_text(const Json& steps) {
  std::string text =
      "| step | rows in | changed | dropped | added | most frequent reason |\n"
      "|---|---:|---:|---:|---:|---|\n";
  for (const auto& step : steps) {
    const auto& reasons = step["reasons"];
    const auto reason =
        reasons.empty() ? "" : str(reasons.begin().key(), " (", reasons.begin().value(), ")");
    text += str("| ", cell(step["name"]), " | ", step["rows"], " | ", step["changed"], " | ",
                step["dropped"], " | ", step["added"], " | ", cell(reason), " |\n");
  }
  return text;
}

std::string sources_text(const Json& sources) {
  std::string text;
  for (const auto& source : sources) {
    text += str("- `", cell(source["path"]), "`: ", source["files"], " files");
    for (const auto& [format, files] : source["formats"].items())
      text += str(", ", files, " ", format);
    text += "\n";
  }
  return text;
}

}  // namespace

std::string data_card(const Json& report) {
  const auto& card = report["recipe"]["card"];
  const auto& rows = report["rows"];
  auto text = str("---\n", dump_yaml(front_matter(report)), "---\n\n# ",
                  report["title"] == "" ? "Data" : cell(report["title"]), "\n\n");
  if (card["description"] != "") text += str(text_of(card["description"]), "\n\n");
  text += str(rows["written"], " rows made from ", rows["source"], " source rows (", rows["kept"],
              " kept as they were, ", rows["changed"], " changed, ", rows["dropped"], " dropped)");
  if (!report["format"].is_null()) text += str(", format `", text_of(report["format"]), "`");
  text += str(".\n\n## Files\n\n", files_text(report), "\n## Sources\n\n",
              sources_text(report["sources"]), "\n## Steps\n\n", steps_text(report["steps"]));
  const auto warned = [](const Json& finding) { return finding["severity"] == "warning"; };
  if (std::ranges::any_of(report["findings"], warned)) {
    text += "\n## Warnings\n\n";
    for (const auto& finding : report["findings"]) {
      if (warned(finding)) text += str("- ", text_of(finding["text"]), "\n");
    }
  }
  return text +
         str("\n## How it was made\n\nBy tunewright ", text_of(report["tunewright"]),
             " from the recipe below; `manifest.json` has it with all defaults, and the hashes. "
             "`ledger.jsonl` says of every source row what became of it, `report.html` shows "
             "samples.\n\n```yaml\n",
             dump_yaml(report["given"]), "```\n");
}

}  // namespace tunewright::corpus

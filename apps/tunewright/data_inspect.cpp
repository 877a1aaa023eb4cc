// tunewright data inspect: formats, rows, keys, lengths, languages, personal data, duplicates and
// samples of any source.
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/corpus/filters/language.h"
#include "tunewright/corpus/pii/pii_step.h"
#include "tunewright/data_commands.h"
#include "tunewright/data_inspect_page.h"

namespace tunewright::app {
namespace {

constexpr int64_t kBars = 16;

constexpr const char* kInspectExamples = R"(
Examples:
  tunewright data inspect train.jsonl test.jsonl
  tunewright data inspect "mails/**" --html mails.html
  tunewright data inspect dump.zip --set 'include=["*.csv"]' --set delimiter=;
  tunewright data inspect "sqlite:shop.db?SELECT body, label FROM mails ORDER BY id")";

struct InspectFlags {
  std::vector<std::string> files;
  std::string html;
  int64_t shown_rows = 2;
};

// What the workshop's steps would find in the texts: those with their defaults.
rows::InspectHooks workshop_hooks() {
  const auto detector =
      std::make_shared<const corpus::pii::Detector>(corpus::pii::DetectorOptions{});
  const auto threshold = corpus::PiiOptions{}.threshold;
  const auto entities = [detector, threshold](std::string_view text) {
    std::vector<std::string> names;
    for (const auto& finding : detector->find(text, threshold))
      names.emplace_back(corpus::pii::name_of(finding.entity));
    return names;
  };
  return {.language = [](std::string_view text) { return corpus::detect_language(text).code; },
          .entities = entities};
}

std::string counts_text(const std::map<std::string, int64_t>& counts, int64_t all) {
  std::vector<std::string> parts;
  parts.reserve(counts.size());
  for (const auto& [name, number] : counts)
    parts.push_back(number == all ? name : str(name, " (", number, ")"));
  return join(parts, ", ");
}

Json lengths_json(const rows::Distribution& lengths) {
  return {{"min", lengths.min()}, {"median", lengths.quantile(0.5)}, {"max", lengths.max()}};
}

Json bars_json(const rows::Distribution& values) {
  Json bars = Json::array();
  for (const auto& bar : values.bars(kBars)) bars.push_back({bar.from, bar.to, bar.count});
  return bars;
}

const rows::Distribution& lengths_of(const rows::KeyInspection& key) {
  return key.characters.count() > 0 ? key.characters : key.items;
}

Json key_json(const rows::KeyInspection& key) {
  Json json = {{"rows", key.rows}, {"types", key.types}};
  const auto& lengths = lengths_of(key);
  if (lengths.count() > 0) json["lengths"] = lengths_json(lengths);
  if (key.words.count() > 0) json["words"] = lengths_json(key.words);
  if (!key.values.empty()) json["values"] = key.values;
  return json;
}

Json file_json(const InspectedFile& file) {
  const auto& found = file.found;
  Json keys = Json::object();
  for (const auto& name : found.key_order) keys[name] = key_json(found.keys.at(name));
  Json json = {{"path", file.path},
               {"rows", found.report.rows},
               {"files", found.report.files},
               {"read_as", found.report.formats},
               {"set_aside", found.report.set_aside},
               {"set_aside_reasons", found.set_aside_reasons},
               {"formats", found.row_formats},
               {"keys", keys},
               {"characters", lengths_json(found.text_characters)},
               {"characters_histogram", bars_json(found.text_characters)},
               {"words", lengths_json(found.text_words)},
               {"duplicates", found.duplicates_known ? Json(found.duplicates) : Json(nullptr)},
               {"notes", found.report.notes},
               {"samples", found.samples}};
  if (!found.languages.empty()) json["languages"] = found.languages;
  if (!found.entities.empty()) json["entities"] = found.entities;
  return json;
}

std::string distribution_text(const char* name, const rows::Distribution& values) {
  return str("    ", name, " a row: ", values.min(), " to ", values.max(), ", median ",
             values.quantile(0.5), "  ", rows::spark_line(values.bars(kBars)), "\n");
}

std::string key_text(const std::string& name, const rows::KeyInspection& key, int64_t rows) {
  auto text = str("    ", excerpt(name), ": ", counts_text(key.types, key.rows));
  if (key.rows != rows) text += str(", in ", key.rows, " rows");
  if (const auto& lengths = lengths_of(key); lengths.count() > 0)
    text +=
        str(", length ", lengths.min(), " to ", lengths.max(), ", median ", lengths.quantile(0.5));
  const auto repeats = static_cast<int64_t>(key.values.size()) < key.rows;
  if (!key.values.empty() && repeats) text += ": " + excerpt(counts_text(key.values, -1), 200);
  return text + "\n";
}

std::string file_text(const InspectedFile& file) {
  const auto& found = file.found;
  auto text = str("=== ", file.path, ": ", found.report.rows, " rows, format ",
                  counts_text(found.row_formats, found.report.rows), "\n");
  if (found.report.files > 1)
    text +=
        str("    ", found.report.files, " files: ", counts_text(found.report.formats, -1), "\n");
  for (const auto& note : found.report.notes) text += str("    ", note, "\n");
  text += distribution_text("characters", found.text_characters);
  text += distribution_text("words", found.text_words);
  if (found.duplicates > 0) text += str("    exact duplicates: ", found.duplicates, " rows\n");
  if (!found.languages.empty())
    text += str("    languages: ", counts_text(found.languages, -1), "\n");
  if (!found.entities.empty())
    text += str("    personal data: ", counts_text(found.entities, -1), "\n");
  for (const auto& name : found.key_order)
    text += key_text(name, found.keys.at(name), found.report.rows);
  if (found.report.set_aside > 0) text += str("    set aside: ", found.report.set_aside, "\n");
  for (const auto& aside : found.first_set_aside)
    text += str("      ", aside.source, " row ", aside.row, ": ", excerpt(aside.reason, 200), "\n");
  for (const auto& sample : found.samples)
    text += str("    ", excerpt(dump_json(sample), 300), "\n");
  return text;
}

int inspect_files(const InspectFlags& flags, const Context& context) {
  Json settings = {{"to", "as_is"}};
  apply_settings(settings, context);
  std::vector<InspectedFile> files;
  Json result = Json::array();
  std::string text;
  const auto hooks = workshop_hooks();
  for (const auto& path : flags.files) {
    rows::InspectOptions options{.source = from_json<rows::SourceOptions>(settings),
                                 .samples = flags.shown_rows,
                                 .hooks = hooks};
    options.source.path = path;
    files.push_back({.path = path, .found = inspect_source(options)});
    result.push_back(file_json(files.back()));
    text += file_text(files.back());
  }
  if (!flags.html.empty()) write_file_atomic(flags.html, inspect_page(files));
  print_result(context, {{"files", result}}, text);
  return kDone;
}

}  // namespace

void add_data_inspect(CLI::App& data, Context& context) {
  auto* command = data.add_subcommand(
      "inspect",
      "Shows formats, rows, keys, lengths, languages, personal data, duplicates and samples");
  auto flags = std::make_shared<InspectFlags>();
  command->add_option("files", flags->files, "Files, folders, globs, archives or databases")
      ->required();
  command->add_option("--rows", flags->shown_rows, "Rows shown of each source")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--html", flags->html, "Write a page with plots");
  command->footer(str("Options of the source (--set option=value):\n",
                      describe_fields(rows::SourceOptions(), ""), kInspectExamples));
  add_common_options(*command, context, true);
  command->callback(
      [=, &context] { context.chosen = [=, &context] { return inspect_files(*flags, context); }; });
}

}  // namespace tunewright::app

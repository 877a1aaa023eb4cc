// tunewright data inspect: format, rows, keys, lengths and samples of files.
#include <algorithm>
#include <map>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/data_commands.h"
#include "tunewright/rows/rows.h"

namespace tunewright::app {
namespace {

constexpr const char* kInspectExamples = R"(Examples:
  tunewright data inspect train.jsonl test.jsonl
  tunewright data inspect train.jsonl --rows 5)";

int64_t character_count(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// What is known of one key of a file's rows.
struct KeySummary {
  int64_t rows = 0;
  std::map<std::string, int64_t> types;
  std::vector<int64_t> lengths;  // characters of strings, items of lists
};

struct FileSummary {
  int64_t rows = 0;
  std::map<std::string, int64_t> formats;
  std::vector<std::string> key_order;
  std::map<std::string, KeySummary> keys;
  Json samples = Json::array();
};

std::string format_of(const Json& row, const rows::RowPlace& place) {
  try {
    return rows::format_name(detect_format(row, place));
  } catch (const UserError&) {
    return "unknown";
  }
}

void summarise(FileSummary& summary, const Json& row) {
  for (const auto& [name, value] : row.items()) {
    auto [it, is_new] = summary.keys.try_emplace(name);
    if (is_new) summary.key_order.push_back(name);
    auto& key = it->second;
    ++key.rows;
    ++key.types[type_name(value)];
    if (value.is_string())
      key.lengths.push_back(character_count(value.get_ref<const std::string&>()));
    if (value.is_array()) key.lengths.push_back(static_cast<int64_t>(value.size()));
  }
}

std::string counts_text(const std::map<std::string, int64_t>& counts, int64_t all) {
  std::vector<std::string> parts;
  for (const auto& [name, number] : counts)
    parts.push_back(number == all ? name : str(name, " (", number, ")"));
  return join(parts, ", ");
}

Json key_json(KeySummary& key) {
  Json json = {{"rows", key.rows}, {"types", key.types}};
  if (!key.lengths.empty()) {
    std::ranges::sort(key.lengths);
    json["lengths"] = {{"min", key.lengths.front()},
                       {"median", key.lengths[key.lengths.size() / 2]},
                       {"max", key.lengths.back()}};
  }
  return json;
}

std::string key_text(const std::string& name, const KeySummary& key, const Json& json,
                     int64_t rows) {
  auto text = str("    ", excerpt(name), ": ", counts_text(key.types, key.rows));
  if (key.rows != rows) text += str(", in ", key.rows, " rows");
  if (json.contains("lengths")) {
    const auto& lengths = json["lengths"];
    text +=
        str(", length ", lengths["min"], " to ", lengths["max"], ", median ", lengths["median"]);
  }
  return text + "\n";
}

int inspect_files(const std::vector<std::string>& files, int64_t shown_rows,
                  const Context& context) {
  Json result = Json::array();
  std::string text;
  for (const auto& file : files) {
    FileSummary summary;
    rows::for_each_row(file, [&](const rows::RowPlace& place, Json&& row) {
      ++summary.rows;
      ++summary.formats[format_of(row, place)];
      summarise(summary, row);
      if (summary.rows <= shown_rows) summary.samples.push_back(std::move(row));
    });
    text += str("=== ", file, ": ", summary.rows, " rows, format ",
                counts_text(summary.formats, summary.rows), "\n");
    Json keys = Json::object();
    for (const auto& name : summary.key_order) {
      auto& key = summary.keys[name];
      keys[name] = key_json(key);
      text += key_text(name, key, keys[name], summary.rows);
    }
    for (const auto& sample : summary.samples)
      text += str("    ", excerpt(dump_json(sample), 300), "\n");
    result.push_back({{"path", file},
                      {"rows", summary.rows},
                      {"formats", summary.formats},
                      {"keys", keys},
                      {"samples", summary.samples}});
  }
  print_result(context, {{"files", result}}, text);
  return kDone;
}

}  // namespace

void add_data_inspect(CLI::App& data, Context& context) {
  auto* command =
      data.add_subcommand("inspect", "Shows format, rows, keys, lengths and samples of files");
  auto files = std::make_shared<std::vector<std::string>>();
  auto shown_rows = std::make_shared<int64_t>(2);
  command->add_option("files", *files, "JSON Lines files")->required();
  command->add_option("--rows", *shown_rows, "Rows shown of each file")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->footer(kInspectExamples);
  add_common_options(*command, context, false);
  command->callback([=, &context] {
    context.chosen = [=, &context] { return inspect_files(*files, *shown_rows, context); };
  });
}

}  // namespace tunewright::app

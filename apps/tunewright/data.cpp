// tunewright data: shows what is in files, and what training will see of them.
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/data/render.h"
#include "tunewright/run_config.h"

namespace tunewright::app {
namespace {

constexpr const char* kPreviewExamples = R"(Examples:
  tunewright data preview train.yaml
  tunewright data preview train.yaml --rows 10 --set data.train_on=last_assistant
Supervised tokens stand in [[double brackets]], on a terminal in green.)";

constexpr const char* kInspectExamples = R"(Examples:
  tunewright data inspect train.jsonl test.jsonl
  tunewright data inspect train.jsonl --rows 5)";

// ---- preview

// What training will see of one file.
struct SetReport {
  std::string path, format;
  int64_t rows = 0, kept = 0, changed = 0, dropped = 0;
  int64_t without_supervision = 0, too_long = 0;
  int64_t tokens = 0, supervised = 0;
  int64_t longest = 0, longest_row = 0;
  int64_t ends_trained = 0;  // examples that supervise an end-of-turn token
  std::string end_of_turn;   // that token
  int64_t examples = 0;
  std::string stops_training;  // the error that `train` would end with
};

struct Preview {
  const data::TextModel& model;
  data::DataOptions options;
  int64_t shown_rows;
  bool colours;
  Json rows = Json::array();
  std::string text;
};

// Control characters of the data must not reach the terminal.
std::string visible(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) {
      constexpr const char* kHex = "0123456789abcdef";
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      result += c;
    }
  }
  return result;
}

// The text of an example, its supervised stretches marked.
std::string marked_text(const Preview& preview, const data::Example& example) {
  const auto supervised = [&](size_t i) { return example.labels[i] != data::kIgnoreLabel; };
  std::string text;
  for (size_t begin = 0, end = 0; begin < example.ids.size(); begin = end) {
    while (end < example.ids.size() && supervised(end) == supervised(begin)) ++end;
    const auto run =
        visible(preview.model.tokenizer.decode(std::span(example.ids).subspan(begin, end - begin)));
    if (preview.colours) {
      text += str(supervised(begin) ? "\033[32m" : "\033[2m", run, "\033[0m");
    } else {
      text += supervised(begin) ? str("[[", run, "]]") : run;
    }
  }
  return text;
}

Json token_list(const Preview& preview, const data::Example& example) {
  Json tokens = Json::array();
  for (size_t i = 0; i < example.ids.size(); ++i) {
    tokens.push_back({{"id", example.ids[i]},
                      {"token", preview.model.tokenizer.token(example.ids[i])},
                      {"supervised", example.labels[i] != data::kIgnoreLabel}});
    if (!example.weights.empty()) tokens.back()["weight"] = example.weights[i];
  }
  return tokens;
}

void show(Preview& preview, const data::Example& example, const rows::RowPlace& place) {
  preview.text +=
      str("--- ", describe(place), ": ", example.ids.size(), " tokens, ",
          example.supervised_tokens(), " supervised\n", marked_text(preview, example), "\n");
  preview.rows.push_back({{"source", place.file.string()},
                          {"row", place.row},
                          {"tokens", token_list(preview, example)}});
}

void count(SetReport& report, const data::TextModel& model, const data::Example& example) {
  ++report.examples;
  report.tokens += static_cast<int64_t>(example.ids.size());
  report.supervised += example.supervised_tokens();
  const auto end = std::ranges::find_first_of(example.labels, model.stop_ids);
  if (end == example.labels.end()) return;
  ++report.ends_trained;
  report.end_of_turn = model.tokenizer.token(*end);
}

// The examples that training makes of `row`.  Where it would stop, the report says so and the row
// counts as dropped.
std::vector<data::Example> fitted(const Preview& preview, SetReport& report, const rows::Row& row,
                                  const rows::RowPlace& place) {
  data::LedgerLine ledger;
  std::vector<data::Example> examples;
  try {
    examples = data::fit(preview.model, row, preview.options, place, ledger);
  } catch (const UserError& error) {
    if (report.stops_training.empty()) report.stops_training = error.what();
    ledger.decision = "dropped";
  }
  report.kept += ledger.decision == "kept";
  report.changed += ledger.decision == "changed";
  report.dropped += ledger.decision == "dropped";
  return examples;
}

void preview_row(Preview& preview, SetReport& report, const rows::RowPlace& place, const Json& json,
                 rows::Format format) {
  if (report.rows++ == 0) {
    report.format =
        rows::format_name(format == rows::Format::kAuto ? detect_format(json, place) : format);
  }
  const auto row = rows::to_row(json, format, place);
  const auto whole = data::render(preview.model, row, preview.options.train_on, place);
  const auto length = static_cast<int64_t>(whole.ids.size());
  if (length > report.longest) report.longest = length, report.longest_row = place.row;
  report.too_long += length > preview.options.max_length;
  if (whole.supervised_tokens() == 0) ++report.without_supervision;
  const auto examples = fitted(preview, report, row, place);
  for (const auto& example : examples) count(report, preview.model, example);
  if (report.rows > preview.shown_rows) return;
  for (const auto& example : examples) show(preview, example, place);
  if (examples.empty())
    preview.text += str("--- ", describe(place), ": not used\n", marked_text(preview, whole), "\n");
}

SetReport preview_file(Preview& preview, const data::FileOptions& file, Reporter& reporter) {
  SetReport report{.path = file.path};
  rows::for_each_row(file.path, [&](const rows::RowPlace& place, Json&& json) {
    preview_row(preview, report, place, json, file.format);
    if (report.rows % 256 == 0)
      reporter.progress("reading data", report.rows, 0, "rows", file.path);
  });
  reporter.finish_progress();
  return report;
}

// ---- what is printed

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(double value) { return fixed(100 * value, 1) + " %"; }

std::string end_of_turn_text(const SetReport& report) {
  if (report.ends_trained == 0) return "NEVER trained: the model would not learn to stop";
  const auto where = report.ends_trained == report.examples
                         ? std::string("every example")
                         : str(report.ends_trained, " of ", report.examples, " examples");
  return str("trained in ", where, " (", report.end_of_turn, ")");
}

std::string report_text(const SetReport& report, const Preview& preview) {
  std::string text =
      str("=== ", report.path, " (", report.format, "): ", report.rows, " rows: ", report.kept,
          " kept, ", report.changed, " changed, ", report.dropped, " dropped\n");
  text += str("    tokens: ", report.tokens, ", supervised: ", report.supervised, " (",
              percent(share(report.supervised, report.tokens)), ")\n");
  text += str("    rows without a supervised token: ", report.without_supervision, "\n");
  text +=
      str("    longest row: ", report.longest, " tokens (row ", report.longest_row,
          "); longer than max_length ", preview.options.max_length, ": ", report.too_long, "\n");
  text += str("    end of turn: ", end_of_turn_text(report), "\n");
  if (!report.stops_training.empty())
    text += str("    train would stop: ", report.stops_training, "\n");
  return text;
}

Json report_json(const SetReport& report) {
  return {{"path", report.path},
          {"format", report.format},
          {"rows", report.rows},
          {"kept", report.kept},
          {"changed", report.changed},
          {"dropped", report.dropped},
          {"tokens", report.tokens},
          {"supervised_tokens", report.supervised},
          {"supervised_share", share(report.supervised, report.tokens)},
          {"rows_without_supervision", report.without_supervision},
          {"rows_too_long", report.too_long},
          {"longest", report.longest},
          {"examples", report.examples},
          {"end_of_turn_trained", report.ends_trained},
          {"train_would_stop",
           report.stops_training.empty() ? Json(nullptr) : Json(report.stops_training)}};
}

int preview_config(const std::string& path, int64_t shown_rows, Context& context) {
  const auto config = from_json<RunConfig>(read_config(path, context));
  if (config.model.path.empty())
    throw UserError(str(path, ": model.path is missing: the folder of the base model"));
  if (config.data.train.empty())
    throw UserError(str(path, ": data.train is missing: the files to train on"));
  const auto model = data::TextModel::load(config.model.path);
  Preview preview{.model = model,
                  .options = config.data,
                  .shown_rows = shown_rows,
                  .colours = !context.json && ::isatty(STDOUT_FILENO) != 0};
  Json sets = Json::array();
  std::string reports;
  for (const auto* files : {&config.data.train, &config.data.eval}) {
    for (const auto& file : *files) {
      const auto report = preview_file(preview, file, context.reporter);
      reports += report_text(report, preview);
      sets.push_back(report_json(report));
    }
  }
  print_result(context, {{"sets", sets}, {"rows", preview.rows}}, preview.text + reports);
  return kDone;
}

// ---- inspect

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

void add_preview(CLI::App& data, Context& context) {
  auto* command = data.add_subcommand(
      "preview", "Prints rendered rows with every token's loss mask, and counts");
  auto config = std::make_shared<std::string>();
  auto shown_rows = std::make_shared<int64_t>(3);
  command->add_option("config", *config, "A configuration of `train`")->required();
  command->add_option("--rows", *shown_rows, "Rows shown of each file")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->footer(kPreviewExamples);
  add_common_options(*command, context, true);
  command->callback([=, &context] {
    context.chosen = [=, &context] { return preview_config(*config, *shown_rows, context); };
  });
}

void add_inspect(CLI::App& data, Context& context) {
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

}  // namespace

void add_data(CLI::App& app, Context& context) {
  auto* data =
      app.add_subcommand("data", "Shows what is in files and what training will see of them");
  data->require_subcommand(1);
  add_preview(*data, context);
  add_inspect(*data, context);
}

}  // namespace tunewright::app

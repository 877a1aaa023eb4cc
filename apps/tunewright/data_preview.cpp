// tunewright data preview: what training will see of the rows, and the proof before step one.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "tunewright/base/error.h"
#include "tunewright/base/fields.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/data_commands.h"
#include "tunewright/data_preview_page.h"
#include "tunewright/run_config.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  tunewright data preview train.yaml
  tunewright data preview train.yaml --rows 10 --set data.train_on=last_assistant
  tunewright data preview train.yaml --html preview.html
Supervised tokens stand in [[double brackets]], on a terminal in green.  Below stands the proof that
`train` asks for too: with a fatal finding both end with status 2.)";

struct Arguments {
  std::string config, html;
  int64_t shown_rows = 3;
};

// ---- what is shown of rows

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

struct Paint {
  bool colours;
  std::string operator()(const char* code, std::string_view text) const {
    return colours ? str("\033[", code, "m", text, "\033[0m") : std::string(text);
  }
};

// The text of an example, its supervised stretches marked.
std::string marked_text(const text::Tokenizer& tokenizer, const data::Example& example,
                        const Paint& paint) {
  const auto supervised = [&](size_t i) { return example.labels[i] != data::kIgnoreLabel; };
  std::string text;
  for (size_t begin = 0, end = 0; begin < example.ids.size(); begin = end) {
    while (end < example.ids.size() && supervised(end) == supervised(begin)) ++end;
    const auto run = visible(tokenizer.decode(std::span(example.ids).subspan(begin, end - begin)));
    if (paint.colours) {
      text += paint(supervised(begin) ? "32" : "2", run);
    } else {
      text += supervised(begin) ? str("[[", run, "]]") : run;
    }
  }
  return text;
}

std::string row_text(const ShownRow& row, const text::Tokenizer& tokenizer, const Paint& paint) {
  const auto place = describe(row.place);
  if (!row.is_used) {
    return str("--- ", place, ": not used\n", marked_text(tokenizer, row.examples.front(), paint),
               "\n");
  }
  std::string text;
  for (const auto& example : row.examples) {
    text += str("--- ", place, ": ", example.ids.size(), " tokens, ", example.supervised_tokens(),
                " supervised\n", marked_text(tokenizer, example, paint), "\n");
  }
  return text;
}

Json tokens_json(const text::Tokenizer& tokenizer, const data::Example& example) {
  Json tokens = Json::array();
  for (size_t i = 0; i < example.ids.size(); ++i) {
    tokens.push_back({{"id", example.ids[i]},
                      {"token", tokenizer.token(example.ids[i])},
                      {"supervised", example.labels[i] != data::kIgnoreLabel}});
    if (!example.weights.empty()) tokens.back()["weight"] = example.weights[i];
  }
  return tokens;
}

Json rows_json(const Preview& preview, const text::Tokenizer& tokenizer) {
  Json rows = Json::array();
  for (const auto& row : preview.rows) {
    if (!row.is_used) continue;
    for (const auto& example : row.examples) {
      rows.push_back({{"source", row.place.file.string()},
                      {"row", row.place.row},
                      {"tokens", tokens_json(tokenizer, example)}});
    }
  }
  return rows;
}

// ---- what is shown of files and findings

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

int64_t rows_that_stop(const data::FileReport& file) {
  return file.rows - file.without_supervision.rows - file.unstopped.rows;
}

std::string end_of_turn_text(const data::FileReport& file) {
  const auto trained = rows_that_stop(file), rows = file.rows - file.without_supervision.rows;
  if (trained == 0) return "NEVER trained: the model would not learn to stop";
  const auto where =
      trained == rows ? std::string("every example") : str(trained, " of ", rows, " rows");
  return str("trained in ", where, " (", file.end_token, ")");
}

std::string file_text(const data::FileReport& file, int64_t max_length) {
  auto text = str("=== ", file.path, " (", file.format, "): ", file.rows, " rows: ", file.kept,
                  " kept, ", file.changed, " changed, ", file.dropped, " dropped\n");
  text += str("    tokens: ", file.tokens, ", supervised: ", file.supervised_tokens, " (",
              fixed(100 * share(file.supervised_tokens, file.tokens), 1), " %)\n");
  text += str("    rows without a supervised token: ", file.without_supervision.rows, "\n");
  text += str("    longest row: ", file.longest, " tokens (row ", file.longest_row,
              "); longer than max_length ", max_length, ": ", file.too_long.rows, "\n");
  text += str("    end of turn: ", end_of_turn_text(file), "\n");
  if (!file.stops_training.empty())
    text += str("    train would stop: ", file.stops_training, "\n");
  return text;
}

Json file_json(const data::FileReport& file) {
  return {{"path", file.path},
          {"format", file.format},
          {"rows", file.rows},
          {"kept", file.kept},
          {"changed", file.changed},
          {"dropped", file.dropped},
          {"tokens", file.tokens},
          {"supervised_tokens", file.supervised_tokens},
          {"supervised_share", share(file.supervised_tokens, file.tokens)},
          {"rows_without_supervision", file.without_supervision.rows},
          {"rows_too_long", file.too_long.rows},
          {"rows_double_bos", file.double_bos.rows},
          {"rows_weighted", file.weighted.rows},
          {"rows_compared_with_serving", file.served},
          {"rows_served_otherwise", file.other_text.rows + file.other_tokens.rows},
          {"longest", file.longest},
          {"examples", file.examples},
          {"end_of_turn_trained", rows_that_stop(file)},
          {"train_would_stop",
           file.stops_training.empty() ? Json(nullptr) : Json(file.stops_training)}};
}

std::string finding_text(const data::Finding& finding, const Paint& paint) {
  struct Look {
    const char* word;
    const char* code;
  };
  constexpr std::array kLooks = {Look{"ok      ", "32"}, Look{"note    ", "36"},
                                 Look{"WARNING ", "33"}, Look{"FATAL   ", "1;31"}};
  const auto& look = kLooks[static_cast<size_t>(finding.severity)];
  auto text = str("    ", paint(look.code, look.word), finding.text, "\n");
  if (!finding.next_step.empty()) text += str("            -> ", finding.next_step, "\n");
  return text;
}

std::string preview_text(const Preview& preview, const text::Tokenizer& tokenizer,
                         const Paint& paint) {
  std::string text;
  for (const auto& row : preview.rows) text += row_text(row, tokenizer, paint);
  for (const auto& set : preview.sets) {
    for (const auto& file : set.files) text += file_text(file, preview.options.max_length);
    text += str("=== the proof before step one, ", set.name, "\n");
    for (const auto& finding : set.findings) text += finding_text(finding, paint);
  }
  return text;
}

Json preview_json(const Preview& preview, const text::Tokenizer& tokenizer) {
  Json sets = Json::array(), proof = Json::array();
  for (const auto& set : preview.sets) {
    for (const auto& file : set.files) sets.push_back(file_json(file));
    for (const auto& finding : set.findings) {
      proof.push_back(to_json_object(finding));
      proof.back()["set"] = set.name;
    }
  }
  return {{"sets", sets},
          {"rows", rows_json(preview, tokenizer)},
          {"proof", proof},
          {"proved", !preview.fails()}};
}

// ---- the work

void keep_row(Preview& preview, data::PreparedRow&& row) {
  ShownRow shown{.place = row.place, .ledger = row.ledger, .examples = std::move(row.examples)};
  if (shown.examples.empty()) {
    shown.is_used = false;
    shown.examples.push_back(std::move(row.rendered));
  }
  preview.rows.push_back(std::move(shown));
}

void add_set(Preview& preview, const std::string& name, const std::vector<data::FileOptions>& files,
             const data::TextModel& model, int64_t shown_rows, Reporter& reporter) {
  if (files.empty()) return;
  PreviewSet set{.name = name};
  for (const auto& file : files) {
    data::FileReport report{.path = file.path};
    prepare_file(model, file, preview.options, [&](data::PreparedRow&& row) {
      report.add(row, model, preview.options.max_length);
      if (row.place.row < shown_rows) keep_row(preview, std::move(row));
      if (report.rows % 256 == 0)
        reporter.progress("reading data", report.rows, 0, "rows", file.path);
    });
    set.files.push_back(std::move(report));
  }
  reporter.finish_progress();
  set.findings = prove(model, set.files);
  preview.sets.push_back(std::move(set));
}

int run_preview(const Arguments& arguments, Context& context) {
  const auto config = from_json<RunConfig>(read_training_config(arguments.config, context));
  if (config.model.path.empty())
    throw UserError(str(arguments.config, ": model.path is missing: the folder of the base model"));
  if (config.data.train.empty())
    throw UserError(str(arguments.config, ": data.train is missing: the files to train on"));
  const auto model = data::TextModel::load(config.model.path);
  Preview preview{
      .config = arguments.config, .model_path = config.model.path, .options = config.data};
  add_set(preview, "data.train", config.data.train, model, arguments.shown_rows, context.reporter);
  add_set(preview, "data.eval", config.data.eval, model, arguments.shown_rows, context.reporter);
  if (!arguments.html.empty()) write_file_atomic(arguments.html, preview_page(preview, model));
  const Paint paint{.colours = !context.json && ::isatty(STDOUT_FILENO) != 0};
  auto text = preview_text(preview, model.tokenizer, paint);
  if (!arguments.html.empty()) text += str("page: ", arguments.html, "\n");
  text.pop_back();
  print_result(context, context.json ? preview_json(preview, model.tokenizer) : Json(), text);
  const bool refused = preview.fails() && config.data.proof == data::ProofMode::kRefuse;
  return refused ? kInputError : kDone;
}

}  // namespace

void add_data_preview(CLI::App& data, Context& context) {
  auto* command = data.add_subcommand(
      "preview", "Prints rendered rows with every token's loss mask, counts, and the proof");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("config", arguments->config, "A configuration of `train`")->required();
  command->add_option("--rows", arguments->shown_rows, "Rows shown of each file")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--html", arguments->html, "Write a page that needs nothing else")
      ->type_name("FILE");
  command->footer(kExamples);
  add_common_options(*command, context, true);
  command->callback([arguments, &context] {
    context.chosen = [arguments, &context] { return run_preview(*arguments, context); };
  });
}

}  // namespace tunewright::app

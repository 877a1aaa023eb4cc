// tunewright metrics: scores predictions that lie in a file.
#include <algorithm>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/command.h"
#include "tunewright/metrics/table.h"
#include "tunewright/rows/rows.h"

namespace tunewright::app {
namespace {

constexpr const char* kExamples = R"(
Examples:
  tunewright metrics --in predictions.jsonl --metrics bleu,chrf,rougeL
  tunewright metrics --in predictions.jsonl --metrics bleu --set bleu.tokenize=zh --set bleu.lowercase=true
  tunewright metrics --in tags.jsonl --metrics entity_f1 --set entity.mode=strict --set entity.scheme=IOB2
  tunewright metrics --in answers.jsonl --metrics format_schema,refusal_rate --schema answer_schema.json
  tunewright score --model models/smollm2-135m-instruct --in texts.jsonl --out scores.jsonl
  tunewright metrics --in scores.jsonl --metrics perplexity,word_perplexity,bits_per_byte
Rows: {"prediction": "a text", "reference": "a text"} or {…, "references": ["a text", "another"]};
labels: {"prediction": "ham", "reference": "spam"}; tags: {"prediction": ["B-PER", "O"], "reference": [
"B-PER", "I-PER"]}; {"probabilities": {"ham": 0.9, "spam": 0.1}, "reference": "ham"};
{"token_logprobs": [null, -1.5], "text": "a text"}, as `tunewright score` writes them.
Out: one JSON object, {"bleu": {"score": …, "signature": …, …}, …}; the signature names every choice
that decides the score.)";

struct MetricsFlags {
  std::string in, schema;
  std::vector<std::string> names;
};

std::string help_text() {
  std::string text = "Metrics:\n";
  for (const auto& metric : metrics::metric_table()) {
    std::string name = metric.name;
    name.resize(std::max<size_t>(name.size() + 1, 24), ' ');
    text += str("  ", name, metric.help, metric.lower_is_better ? "; lower is better" : "", "\n");
  }
  return text + "\nOptions (--set KEY=VALUE):\n" + describe_fields(metrics::MetricOptions(), "") +
         kExamples;
}

metrics::MetricOptions read_options(const MetricsFlags& flags, const Context& context) {
  Json settings = Json::object();
  apply_settings(settings, context);
  if (!flags.schema.empty()) settings["format"]["schema"] = read_json(flags.schema);
  return from_json<metrics::MetricOptions>(settings);
}

std::vector<const metrics::Metric*> chosen_metrics(const std::vector<std::string>& names) {
  std::vector<const metrics::Metric*> chosen;
  chosen.reserve(names.size());
  for (const auto& name : names) chosen.push_back(&metrics::find_metric(trim(name)));
  return chosen;
}

std::vector<metrics::PredictionRow> read_rows(const std::string& path) {
  std::vector<metrics::PredictionRow> rows;
  rows::for_each_row(path, [&](const rows::RowPlace& place, Json&& row) {
    rows.push_back(metrics::to_prediction_row(row, describe(place)));
  });
  return rows;
}

Json to_json(const metrics::Score& score) {
  Json out = {{"score", score.score}, {"signature", score.signature}};
  for (const auto& [name, value] : score.details.items()) out[name] = value;
  return out;
}

int run_metrics(const MetricsFlags& flags, const Context& context) {
  const auto chosen = chosen_metrics(flags.names);
  const auto options = read_options(flags, context);
  const auto rows = read_rows(flags.in);
  Json result = Json::object();
  int64_t done = 0;
  for (const auto* metric : chosen) {
    result[metric->name] = to_json(metrics::score(*metric, rows, options));
    context.reporter.progress("metrics", ++done, std::ssize(chosen), "metrics", metric->name);
  }
  context.reporter.finish_progress();
  // A JSON object either way: without --json laid out for a person.
  print_result(context, result, std::string(trim(pretty_json(result))));
  return kDone;
}

}  // namespace

void add_metrics(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("metrics", "Scores predictions that lie in a file");
  auto flags = std::make_shared<MetricsFlags>();
  command->footer(help_text());
  command->add_option("--in", flags->in, "JSON Lines, a prediction a row")
      ->type_name("FILE")
      ->required();
  command->add_option("--metrics", flags->names, "Names, separated by commas")
      ->type_name("LIST")
      ->delimiter(',')
      ->required();
  command->add_option("--schema", flags->schema, "JSON Schema that format_schema checks")
      ->type_name("FILE");
  add_common_options(*command, context, true);
  command->callback([&context, flags] {
    context.chosen = [&context, flags] { return run_metrics(*flags, context); };
  });
}

}  // namespace tunewright::app

#include "tunewright/eval/perplexity.h"

#include <algorithm>
#include <array>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/task_rows.h"
#include "tunewright/metrics/perplexity.h"

namespace tunewright::eval {
namespace {

// The columns are log-probability and words, and the same with bytes and tokens.
const std::array<Figure, 4> kFigures = {
    {{.name = "word_perplexity", .aggregation = Aggregation::kWeightedPerplexity, .column = 0},
     {.name = "byte_perplexity", .aggregation = Aggregation::kWeightedPerplexity, .column = 2},
     {.name = "bits_per_byte", .aggregation = Aggregation::kBitsPerByte, .column = 2},
     {.name = "token_perplexity", .aggregation = Aggregation::kWeightedPerplexity, .column = 4}}};

const Figure* find_figure(const std::string& name) {
  const auto it = std::ranges::find(kFigures, name, &Figure::name);
  return it == kFigures.end() ? nullptr : &*it;
}

void add_figures(Task& task) {
  std::vector<std::string> names;
  names.reserve(kFigures.size());
  for (const auto& figure : kFigures) names.push_back(figure.name);
  for (const auto& wanted : task.options.metrics) {
    const auto* figure = find_figure(wanted);
    if (!figure) {
      throw UserError(str("task ", task.options.name, ".metrics: '", wanted,
                          "' is not counted over "
                          "rolling windows; give it a task of its own",
                          suggestion(wanted, names)));
    }
    auto own = *figure;
    own.lower_is_better = true;
    own.signature = "windows:rolling|context:none|log:e";
    task.add_figure(std::move(own));
  }
}

}  // namespace

bool rolls(const TaskOptions& options) {
  return std::ranges::any_of(options.metrics,
                             [](const std::string& name) { return find_figure(name) != nullptr; });
}

Task load_rolling_perplexity(const TaskOptions& options) {
  Task task{.options = options};
  add_figures(task);
  auto items = std::make_shared<Items>();
  items->kind = Items::Kind::kText;
  struct Size {
    double words, bytes;
  };
  std::vector<Size> sizes;
  rows::for_each_row(options.data, [&](const rows::RowPlace& place, Json&& json) {
    if (options.limit > 0 && place.row >= options.limit) return;
    auto row = rows::to_row(json, options.format, place);
    if (row.kind != rows::Row::Kind::kText)
      throw UserError(str(describe(place),
                          ": expected {\"text\": …}; perplexity over rolling windows "
                          "is of whole texts"));
    const auto text = std::move(row.completion);
    sizes.push_back(
        {static_cast<double>(metrics::count_words(text)), static_cast<double>(text.size())});
    items->items.push_back({.continuations = {}, .text = text});
    task.rows.push_back(shown_row(place, text, ""));
  });
  items->judge = [sizes = std::move(sizes)](size_t row, const ItemResult& result, RowScore& score,
                                            std::string&) {
    const auto tokens = static_cast<double>(result.tokens);
    score.values = {result.logprob,   sizes[row].words, result.logprob,
                    sizes[row].bytes, result.logprob,   tokens};
  };
  task.items = std::move(items);
  return task;
}

}  // namespace tunewright::eval

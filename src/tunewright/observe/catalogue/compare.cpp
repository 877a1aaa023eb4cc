#include "tunewright/observe/catalogue/compare.h"

#include <algorithm>
#include <array>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

enum class Better { kUnknown, kLower, kHigher };

struct Figure {
  const char* name;
  Better better;
};
constexpr std::array kFigures = {Figure{"steps", Better::kUnknown},
                                 Figure{"first_loss", Better::kUnknown},
                                 Figure{"last_loss", Better::kLower},
                                 Figure{"eval_loss", Better::kLower},
                                 Figure{"eval_perplexity", Better::kLower},
                                 Figure{"eval_step", Better::kUnknown},
                                 Figure{"train_seconds", Better::kLower},
                                 Figure{"tokens", Better::kUnknown},
                                 Figure{"tokens_per_second", Better::kHigher},
                                 Figure{"peak_memory_bytes", Better::kLower},
                                 Figure{"energy_joules", Better::kLower},
                                 Figure{"cost", Better::kLower},
                                 Figure{"trainable_parameters", Better::kUnknown},
                                 Figure{"gates", Better::kUnknown},
                                 Figure{"approved_by", Better::kUnknown}};

// Facts that say nothing about how runs differ: they differ always, or are shown elsewhere.
bool is_noise(const std::string& key) {
  constexpr std::array kNoise = {"status",  "outcome", "started",       "finished",   "output_dir",
                                 "damaged", "gates",   "config_sha256", "approved_by"};
  return std::ranges::find(kNoise, key) != kNoise.end() || key == "hardware.available_memory_bytes";
}

const Json& value_of(const RunRecord& run, const std::string& key) {
  static const Json kNone;
  const auto it = run.facts.find(key);
  return it == run.facts.end() ? kNone : *it;
}

Comparison::Line line_of(const std::vector<RunRecord>& runs, const std::string& key) {
  Comparison::Line line{.key = key};
  for (const auto& run : runs) line.values.push_back(value_of(run, key));
  return line;
}

bool all_same(const Comparison::Line& line) {
  return std::ranges::all_of(line.values, [&](const Json& v) { return v == line.values.front(); });
}
bool all_null(const Comparison::Line& line) {
  return std::ranges::all_of(line.values, [](const Json& value) { return value.is_null(); });
}

int best_of(const Comparison::Line& line, Better better) {
  if (better == Better::kUnknown || all_same(line)) return -1;
  int best = -1;
  for (int i = 0; i < static_cast<int>(line.values.size()); ++i) {
    const auto& value = line.values[static_cast<size_t>(i)];
    if (!value.is_number()) continue;
    if (best < 0 || (better == Better::kLower ? value < line.values[static_cast<size_t>(best)]
                                              : value > line.values[static_cast<size_t>(best)]))
      best = i;
  }
  return best;
}

bool is_measured(const std::vector<RunRecord>& runs, const std::string& key) {
  return std::ranges::any_of(
      runs, [&](const RunRecord& run) { return run.lower_is_better.contains(key); });
}

// Of an evaluation's figure, as the evaluations say; those that do not agree, or do not say, leave
// it open.
Better direction_of(const std::vector<RunRecord>& runs, const std::string& key) {
  std::set<bool> lower;
  for (const auto& run : runs) {
    const auto said = run.lower_is_better.value(key, Json());
    if (said.is_boolean()) lower.insert(said.get<bool>());
  }
  if (lower.size() != 1) return Better::kUnknown;
  return *lower.begin() ? Better::kLower : Better::kHigher;
}

Curve curve_of(const RunRecord& run, const std::string& metric) {
  Curve curve{.name = run.name};
  std::vector<Json> lines;
  try {
    lines = RunFolder::at(run.path).read_metrics();
  } catch (const UserError&) {
    return curve;  // a damaged file: the catalogue names it
  }
  for (const auto& line : lines) {
    if (const auto value = line.value(metric, Json()); value.is_number() && line.contains("step"))
      curve.points.emplace_back(line["step"].get<double>(), value.get<double>());
  }
  return curve;
}

std::string cell(const Json& value) { return without_controls(fact_text(value)); }

std::string lines_table(const std::vector<std::string>& names,
                        const std::vector<Comparison::Line>& lines) {
  std::vector<std::vector<std::string>> rows;
  auto& head = rows.emplace_back(std::vector<std::string>{""});
  for (const auto& name : names) head.push_back(without_controls(name));
  for (const auto& line : lines) {
    auto& row = rows.emplace_back(std::vector<std::string>{line.key});
    for (int i = 0; i < static_cast<int>(line.values.size()); ++i)
      row.push_back(cell(line.values[static_cast<size_t>(i)]) + (line.best == i ? " *" : ""));
  }
  return text_table(rows, 1);
}

Json lines_json(const Comparison& comparison, const std::vector<Comparison::Line>& lines) {
  Json all = Json::object();
  for (const auto& line : lines) {
    Json one = Json::object();
    for (size_t i = 0; i < line.values.size(); ++i) one[comparison.names[i]] = line.values[i];
    all[line.key] = std::move(one);
  }
  return all;
}

std::string cut(const std::string& text, size_t widest) {
  if (display_width(text) <= widest) return text;
  std::string kept;
  size_t count = 0;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (begins && ++count >= widest) break;
    kept += c;
  }
  return kept + "…";
}

}  // namespace

size_t display_width(const std::string& utf8) {
  return static_cast<size_t>(std::ranges::count_if(
      utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string text_table(const std::vector<std::vector<std::string>>& rows, size_t texts,
                       size_t widest) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], std::min(display_width(row[i]), widest));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const auto shown = cut(row[i], widest);
      const std::string space(widths[i] - display_width(shown), ' ');
      line += (i == 0 ? "" : "  ") + (i < texts ? shown + space : space + shown);
    }
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

Comparison compare(const std::vector<RunRecord>& runs, const std::vector<std::string>& metrics) {
  Comparison comparison;
  std::set<std::string> keys, known;
  for (const auto& figure : kFigures) known.insert(figure.name);
  for (const auto& run : runs) {
    comparison.names.push_back(run.name);
    comparison.statuses.push_back(run.facts.value("status", ""));
    for (const auto& [key, value] : run.facts.items()) keys.insert(key);
  }
  for (const auto& [name, better] : kFigures) {
    auto line = line_of(runs, name);
    line.best = best_of(line, better);
    if (!all_null(line)) comparison.figures.push_back(std::move(line));
  }
  for (const auto& key : keys) {
    if (known.contains(key) || is_noise(key)) continue;
    auto line = line_of(runs, key);
    if (is_measured(runs, key)) {
      line.best = best_of(line, direction_of(runs, key));
      comparison.figures.push_back(std::move(line));
    } else if (!all_same(line)) {
      comparison.settings.push_back(std::move(line));
    }
  }
  for (const auto& metric : metrics) {
    Comparison::Chart chart{.metric = metric};
    for (const auto& run : runs) chart.curves.push_back(curve_of(run, metric));
    const auto has_points = [](const Curve& curve) { return !curve.points.empty(); };
    if (std::ranges::any_of(chart.curves, has_points))
      comparison.charts.push_back(std::move(chart));
  }
  return comparison;
}

Json comparison_json(const Comparison& comparison) {
  Json curves = Json::object();
  for (const auto& [metric, list] : comparison.charts) {
    for (const auto& [name, points] : list) {
      Json pairs = Json::array();
      for (const auto& [step, value] : points) pairs.push_back({step, value});
      curves[metric][name] = std::move(pairs);
    }
  }
  return {{"runs", comparison.names},
          {"figures", lines_json(comparison, comparison.figures)},
          {"differences", lines_json(comparison, comparison.settings)},
          {"curves", std::move(curves)}};
}

std::string comparison_text(const Comparison& comparison, int width, bool colour) {
  std::string text =
      str("Figures (* the best)\n", lines_table(comparison.names, comparison.figures));
  text += comparison.settings.empty()
              ? "\nThe configurations are the same.\n"
              : str("\nWhere they differ\n", lines_table(comparison.names, comparison.settings));
  constexpr int kAxis = 11;
  const PlotSize size{.columns = std::clamp(width - kAxis - 1, 20, 160)};
  for (const auto& [metric, curves] : comparison.charts)
    text += str("\n", metric, "\n", braille_plot(curves, size, colour));
  return text;
}

}  // namespace tunewright::observe

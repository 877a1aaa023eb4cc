#include "tunewright/observe/cards/card_facts.h"

#include <algorithm>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/base/yaml.h"
#include "tunewright/observe/run.h"

namespace tunewright::observe {
namespace {

constexpr uintmax_t kMostBytes = 1ULL << 30;  // of a file that is looked through for shared rows

// The YAML between the first two lines "---" of a README.
Json front_matter(const fs::path& file) {
  if (!fs::is_regular_file(file)) return Json::object();
  const auto text = read_file(file);
  if (!text.starts_with("---\n")) return Json::object();
  const auto end = text.find("\n---", 3);
  if (end == std::string::npos) return Json::object();
  try {
    auto matter = parse_yaml(text.substr(4, end - 3), file.string());
    return matter.is_object() ? matter : Json::object();
  } catch (const UserError&) {
    return Json::object();
  }
}

std::vector<DataCard> data_cards(const Json& manifest) {
  std::vector<DataCard> cards;
  const auto data = manifest.value("data", Json::object());
  for (const auto& file : data.value("files", Json::array())) {
    DataCard card{.path = file.value("path", ""),
                  .sha256 = file.value("sha256", ""),
                  .role = file.value("role", "train")};
    card.found = fs::is_regular_file(card.path) && sha256_file(card.path) == card.sha256;
    const auto build = read_or_empty(fs::path(card.path).parent_path() / "report.json");
    const auto splits = build.value("splits", Json::array());
    const bool made_here = std::ranges::any_of(splits, [&](const Json& split) {
      return split.value("sha256", Json()) == Json(card.sha256);
    });
    if (made_here) card.build = build;
    cards.push_back(std::move(card));
  }
  return cards;
}

std::set<Hash128> lines_of(const std::vector<std::string>& files) {
  std::set<Hash128> lines;
  for (const auto& file : files) {
    LineReader reader(file);
    while (const auto line = reader.next()) {
      if (!trim(*line).empty()) lines.insert(fast_hash128(trim(*line)));
    }
  }
  return lines;
}

bool is_readable(const std::string& file) {
  return fs::is_regular_file(file) && fs::file_size(file) <= kMostBytes;
}

std::vector<Overlap> find_overlaps(const CardFacts& facts) {
  std::vector<std::string> train;
  std::set<std::string> evaluation;
  for (const auto& card : facts.data) {
    if (!card.found || !is_readable(card.path)) continue;
    if (card.role == "train") {
      train.push_back(card.path);
    } else {
      evaluation.insert(card.path);
    }
  }
  for (const auto& record : facts.evaluations) {
    for (const auto& task : record.report.value("tasks", Json::array())) {
      const auto file = task.value("options", Json::object()).value("data", "");
      if (is_readable(file)) evaluation.insert(file);
    }
  }
  if (train.empty() || evaluation.empty()) return {};
  const auto known = lines_of(train);
  std::vector<Overlap> overlaps;
  for (const auto& file : evaluation) {
    Overlap overlap{.evaluation = file};
    LineReader reader(file);
    while (const auto line = reader.next()) {
      if (trim(*line).empty()) continue;
      ++overlap.rows;
      if (known.contains(fast_hash128(trim(*line)))) ++overlap.shared;
    }
    overlaps.push_back(overlap);
  }
  return overlaps;
}

// An evaluation that compares another model with these weights, or asks them about one, says
// nothing about them.
bool is_about(const AuditLine& line, const std::vector<Artefact>& weights) {
  return std::ranges::any_of(line.inputs, [&](const Artefact& input) {
    return input.role != "baseline" && input.role != "judge" &&
           std::ranges::find(weights, input.sha256, &Artefact::sha256) != weights.end();
  });
}

void add_history(CardFacts& facts) {
  const auto trail = AuditTrail::beside(facts.folder);
  const auto weights = artefacts_of(weight_files(facts.folder));
  const auto subject = trail.name_of(facts.folder);
  for (const auto& line : trail.read()) {
    if (line.subject == subject || is_about(line, weights)) facts.history.push_back(line);
    if (line.event != "evaluated" || !is_about(line, weights)) continue;
    for (const auto& artefact : line.artefacts) {
      const auto path = trail.path_of(artefact.path.generic_string());
      // A report that another evaluation has replaced since says nothing of this one.
      if (path.filename() != "report.json" || !fs::is_regular_file(path) ||
          sha256_file(path) != artefact.sha256)
        continue;
      facts.evaluations.push_back(
          {.time = line.time, .path = path.string(), .report = read_or_empty(path)});
    }
  }
}

// "models/smollm2-135m-instruct" has the name in its README, or in config.json's _name_or_path.
void add_base(CardFacts& facts) {
  const fs::path base = facts.config.value("model", Json::object()).value("path", "");
  const auto matter = front_matter(base / "README.md");
  if (matter.contains("license") && matter["license"].is_string())
    facts.base_license = matter["license"].get<std::string>();
  const auto config = read_or_empty(base / "config.json");
  facts.base_name = config.value("_name_or_path", "");
  if (facts.base_name.empty()) facts.base_name = base.filename().string();
  if (facts.base_name.empty()) facts.base_name = base.parent_path().filename().string();
}

}  // namespace

CardFacts gather_card_facts(const fs::path& run) {
  CardFacts facts{.folder = run_of(run)};
  facts.name = facts.folder.filename().string();
  facts.config = read_or_empty(facts.folder / "config.yaml");
  facts.manifest = read_or_empty(facts.folder / "manifest.json");
  facts.report = read_or_empty(facts.folder / "report.json");
  if (facts.config.empty()) {
    throw UserError(
        str(facts.folder.string(), ": holds no run: config.yaml is missing or cannot be read"));
  }
  if (facts.config.contains("card"))
    facts.card = from_json<CardOptions>(facts.config["card"], "card");
  facts.data = data_cards(facts.manifest);
  add_history(facts);
  facts.overlaps = find_overlaps(facts);
  facts.approvals = approvals_of(facts.folder);
  add_base(facts);
  return facts;
}

std::vector<Json> newest_tasks(const CardFacts& facts) {
  std::vector<Json> tasks;
  for (const auto& record : facts.evaluations) {
    for (const auto& task : record.report.value("tasks", Json::array())) {
      const auto earlier = std::ranges::find_if(tasks, [&](const Json& known) {
        return known.value("name", "") == task.value("name", "");
      });
      if (earlier == tasks.end()) {
        tasks.push_back(task);
      } else {
        *earlier = task;
      }
    }
  }
  return tasks;
}

std::vector<MeasuredFigure> measured_figures(const CardFacts& facts) {
  std::vector<MeasuredFigure> figures;
  for (const auto& task : newest_tasks(facts)) {
    const auto metrics = task.value("metrics", Json::object());
    for (const auto& [metric, value] : metrics.items()) {
      if (!value.is_object()) continue;
      figures.push_back(
          {.task = task.value("name", ""),
           .data = task.value("options", Json::object()).value("data", ""),
           .metric = metric,
           .value = value.value("value", Json()),
           .low = value.value("low", Json()),
           .high = value.value("high", Json()),
           .baseline = value.value("baseline", Json::object()).value("value", Json())});
    }
  }
  return figures;
}

std::string energy_text(const Json& report) {
  const auto energy = report.value("energy", Json());
  if (!energy.is_object() || !energy.value("joules", Json()).is_number())
    return "not measured (no readable counter of the processor's energy)";
  const double joules = energy["joules"].get<double>();
  auto text = str(fixed(joules / 3.6e6, 4), " kWh of the processor packages (", fixed(joules, 0),
                  " J; without memory, disks, devices and losses of the supply)");
  if (energy.value("partial", false)) text += "; of the last session alone, the run was resumed";
  return text;
}

std::string license_of(const CardFacts& facts) { return facts.card.license; }

std::vector<std::string> languages_of(const CardFacts& facts) {
  if (!facts.card.language.empty()) return facts.card.language;
  std::set<std::string> languages;
  for (const auto& data : facts.data) {
    const auto card = data.build.value("recipe", Json::object()).value("card", Json::object());
    for (const auto& code : card.value("language", Json::array())) {
      if (code.is_string()) languages.insert(code.get<std::string>());
    }
  }
  return {languages.begin(), languages.end()};
}

}  // namespace tunewright::observe

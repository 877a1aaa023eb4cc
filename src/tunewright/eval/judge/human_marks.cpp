#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/judge/judge.h"

namespace tunewright::eval {
namespace {

std::optional<int64_t> mark_of(const Json& line, const char* key, std::span<const int64_t> scale,
                               const std::string& where) {
  if (!line.contains(key) || line[key].is_null()) return std::nullopt;
  if (line[key].is_number_integer()) {
    const auto mark = line[key].get<int64_t>();
    if (std::ranges::find(scale, mark) != scale.end()) return mark;
  }
  throw UserError(
      str(where, ": ", key, ": expected a mark of judge.scale, got ", dump_json(line[key])));
}

std::optional<Preference> preference_of(const Json& line, const std::string& where) {
  if (!line.contains("preferred") || line["preferred"].is_null()) return std::nullopt;
  if (line["preferred"] == "model") return Preference::kModel;
  if (line["preferred"] == "baseline") return Preference::kBaseline;
  if (line["preferred"] == "tie") return Preference::kTie;
  throw UserError(str(where, ": preferred: expected model, baseline or tie, got ",
                      dump_json(line["preferred"])));
}

}  // namespace

HumanMarks read_human_marks(const std::string& file, std::span<const int64_t> scale) {
  HumanMarks marks;
  LineReader reader(file);
  int64_t number = 0;
  while (const auto text = reader.next()) {
    const auto where = str(file, ": line ", ++number);
    if (trim(*text).empty()) continue;
    const auto line = parse_json(*text, where);
    const bool has_place = line.is_object() && line.contains("task") && line["task"].is_string() &&
                           line.contains("row") && line["row"].is_number_integer();
    if (!has_place)
      throw UserError(
          str(where, R"(: expected {"task": "…", "row": 0, "score": 4, "preferred": "model"})"));
    auto& mark = marks[{line["task"].get<std::string>(), line["row"].get<int64_t>()}];
    mark = {.score = mark_of(line, "score", scale, where),
            .baseline_score = mark_of(line, "baseline_score", scale, where),
            .preferred = preference_of(line, where)};
  }
  return marks;
}

}  // namespace tunewright::eval

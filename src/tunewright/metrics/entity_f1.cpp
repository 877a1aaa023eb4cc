#include "tunewright/metrics/entity_f1.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/metrics/options.h"

namespace tunewright::metrics {
namespace {

double ratio(double part, double whole) { return whole == 0 ? 0.0 : part / whole; }

struct Tally {
  double correct = 0, predicted = 0, wanted = 0;
  double precision() const { return ratio(correct, predicted); }
  double recall() const { return ratio(correct, wanted); }
  // The order of operations is seqeval's, for equality to the last bit.
  double f1() const { return ratio(2 * precision() * recall(), precision() + recall()); }
};
using Tallies = std::map<std::string, Tally>;  // by type

std::vector<Tallies> tallies_of_rows(std::span<const PredictionRow> rows,
                                     const EntityOptions& options) {
  LenientEntities predicted_reader(options.suffix), wanted_reader(options.suffix);
  const auto read = [&](const std::vector<std::string>& tags, LenientEntities& reader,
                        const std::string& where) {
    return options.mode == EntityMode::kStrict
               ? strict_entities(tags, *options.scheme, options.suffix, where)
               : reader.read(tags, where);
  };
  std::vector<Tallies> out;
  for (const auto& row : rows) {
    const auto predicted = read(row.own_tags(), predicted_reader, row.where + ": prediction");
    const auto wanted = read(row.wanted_tags(), wanted_reader, row.where + ": reference");
    std::vector<Entity> both;
    std::set_intersection(predicted.begin(), predicted.end(), wanted.begin(), wanted.end(),
                          std::back_inserter(both));
    auto& tallies = out.emplace_back();
    for (const auto& entity : predicted) tallies[entity.type].predicted += 1;
    for (const auto& entity : wanted) tallies[entity.type].wanted += 1;
    for (const auto& entity : both) tallies[entity.type].correct += 1;
  }
  return out;
}

double average_f1(std::span<const double> sums, EntityAverage average) {
  Tally all;
  double types = 0, f1_sum = 0, weighted_sum = 0;
  for (size_t i = 0; i + 2 < sums.size(); i += 3) {
    const Tally tally{.correct = sums[i], .predicted = sums[i + 1], .wanted = sums[i + 2]};
    all.correct += tally.correct;
    all.predicted += tally.predicted;
    all.wanted += tally.wanted;
    types += tally.predicted + tally.wanted > 0;
    f1_sum += tally.f1();
    weighted_sum += tally.f1() * tally.wanted;
  }
  switch (average) {
    case EntityAverage::kMicro:
      return all.f1();
    case EntityAverage::kMacro:
      return ratio(f1_sum, types);
    case EntityAverage::kWeighted:
      return ratio(weighted_sum, all.wanted);
  }
  return 0;
}

struct Counted {
  std::vector<std::string> types;
  RowStatistics statistics;  // correct, predicted, wanted of each type
};

Counted count(std::span<const PredictionRow> rows, const EntityOptions& options) {
  if (options.mode == EntityMode::kStrict && !options.scheme)
    throw UserError(
        "entity.mode: strict needs a scheme; set entity.scheme to IOB1, IOB2, IOE1, IOE2, IOBES or "
        "BILOU");
  const auto tallies = tallies_of_rows(rows, options);
  std::map<std::string, size_t> places;
  for (const auto& row : tallies) {
    for (const auto& [type, tally] : row) places.emplace(type, 0);
  }
  Counted counted;
  for (auto& [type, place] : places) {
    place = counted.types.size();
    counted.types.push_back(type);
  }
  auto& statistics = counted.statistics;
  statistics.width = 3 * places.size();
  statistics.values.resize(rows.size() * statistics.width);
  for (size_t i = 0; i < tallies.size(); ++i) {
    for (const auto& [type, tally] : tallies[i]) {
      auto* at = &statistics.values[i * statistics.width + 3 * places.at(type)];
      at[0] = tally.correct;
      at[1] = tally.predicted;
      at[2] = tally.wanted;
    }
  }
  statistics.score = [average = options.average](std::span<const double> sums) {
    return average_f1(sums, average);
  };
  return counted;
}

Json details(const Counted& counted, const std::vector<double>& sums) {
  Tally all;
  Json types = Json::object();
  for (size_t i = 0; i < counted.types.size(); ++i) {
    const Tally tally{
        .correct = sums[3 * i], .predicted = sums[3 * i + 1], .wanted = sums[3 * i + 2]};
    all.correct += tally.correct;
    all.predicted += tally.predicted;
    all.wanted += tally.wanted;
    types[counted.types[i]] = {{"precision", tally.precision()},
                               {"recall", tally.recall()},
                               {"f1", tally.f1()},
                               {"support", static_cast<int64_t>(tally.wanted)}};
  }
  Json out = {{"precision", all.precision()},
              {"recall", all.recall()},
              {"predicted", static_cast<int64_t>(all.predicted)},
              {"support", static_cast<int64_t>(all.wanted)},
              {"types", types}};
  if (counted.types.empty()) out["note"] = "no entity on either side: 0 by seqeval's convention";
  return out;
}

}  // namespace

RowStatistics entity_f1_statistics(std::span<const PredictionRow> rows,
                                   const MetricOptions& options) {
  return count(rows, options.entity).statistics;
}

Score score_entity_f1(std::span<const PredictionRow> rows, const MetricOptions& options) {
  const auto& entity = options.entity;
  const auto counted = count(rows, entity);
  const auto sums = counted.statistics.sums();
  const bool strict = entity.mode == EntityMode::kStrict;
  return {
      .score = counted.statistics.score(sums),
      .signature = str("mode:", strict ? "strict" : "default",
                       "|scheme:", strict && entity.scheme ? name_of(*entity.scheme) : "any",
                       "|average:", kEntityAverageNames[static_cast<size_t>(entity.average)].first,
                       "|tags:", entity.suffix ? "suffix" : "prefix", "|version:seqeval-1.2"),
      .details = details(counted, sums)};
}

}  // namespace tunewright::metrics

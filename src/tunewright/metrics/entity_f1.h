#pragma once
#include <optional>
#include <span>

#include "tunewright/base/fields.h"
#include "tunewright/metrics/entities.h"
#include "tunewright/metrics/prediction_row.h"
#include "tunewright/metrics/score.h"

// F1 of named entities as seqeval 1.2 computes it, from 0 to 1: an entity counts where its type and
// both ends are right.
namespace tunewright::metrics {

struct MetricOptions;

enum class EntityMode { kDefault, kStrict };
inline constexpr std::array kEntityModeNames = {std::pair{"default", EntityMode::kDefault},
                                                std::pair{"strict", EntityMode::kStrict}};
enum class EntityAverage { kMicro, kMacro, kWeighted };
inline constexpr std::array kEntityAverageNames = {std::pair{"micro", EntityAverage::kMicro},
                                                   std::pair{"macro", EntityAverage::kMacro},
                                                   std::pair{"weighted", EntityAverage::kWeighted}};

struct EntityOptions {
  EntityMode mode = EntityMode::kDefault;
  std::optional<TagScheme> scheme;
  EntityAverage average = EntityAverage::kMicro;
  bool suffix = false;
};
// The scheme's names, and null.
inline constexpr std::array kTagSchemeChoices = {
    std::pair{"null", std::optional<TagScheme>()},
    std::pair{"IOB1", std::optional(TagScheme::kIob1)},
    std::pair{"IOB2", std::optional(TagScheme::kIob2)},
    std::pair{"IOE1", std::optional(TagScheme::kIoe1)},
    std::pair{"IOE2", std::optional(TagScheme::kIoe2)},
    std::pair{"IOBES", std::optional(TagScheme::kIobes)},
    std::pair{"BILOU", std::optional(TagScheme::kBilou)}};
template <class V>
void fields(V& v, EntityOptions& o) {
  v.choice("mode", o.mode, kEntityModeNames,
           "default: as conlleval, any scheme; strict: only what follows the scheme.");
  v.choice("scheme", o.scheme, kTagSchemeChoices, "Of mode: strict.");
  v.choice("average", o.average, kEntityAverageNames, "Over the types.");
  v("suffix", o.suffix, "Tags are PER-B, not B-PER.");
}

Score score_entity_f1(std::span<const PredictionRow> rows, const MetricOptions& options);
RowStatistics entity_f1_statistics(std::span<const PredictionRow> rows,
                                   const MetricOptions& options);

}  // namespace tunewright::metrics

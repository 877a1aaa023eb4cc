#pragma once
#include "tunewright/base/fields.h"
#include "tunewright/metrics/bleu.h"
#include "tunewright/metrics/calibration_metrics.h"
#include "tunewright/metrics/chrf.h"
#include "tunewright/metrics/compliance.h"
#include "tunewright/metrics/diversity.h"
#include "tunewright/metrics/entity_f1.h"
#include "tunewright/metrics/label_metrics.h"
#include "tunewright/metrics/meteor.h"
#include "tunewright/metrics/rouge.h"
#include "tunewright/metrics/ter.h"

namespace tunewright::metrics {

// What can be set of the metrics, a block a family (--set bleu.tokenize=zh).  Each family owns its
// struct, beside its functions.
struct MetricOptions {
  BleuOptions bleu;
  ChrfOptions chrf;
  TerOptions ter;
  RougeOptions rouge;
  MeteorOptions meteor;
  EntityOptions entity;
  DiversityOptions diversity;
  FormatOptions format;
  LabelOptions labels;
  CalibrationOptions calibration;
};

template <class V>
void fields(V& v, MetricOptions& o) {
  v("bleu", o.bleu, "bleu");
  v("chrf", o.chrf, "chrf, chrf++");
  v("ter", o.ter, "ter");
  v("rouge", o.rouge, "rouge1, rouge2, rougeL, rougeLsum");
  v("meteor", o.meteor, "meteor");
  v("entity", o.entity, "entity_f1");
  v("diversity", o.diversity, "distinct1 and its like, self_bleu, ngram_entropy, repetition");
  v("format", o.format, "format_json, format_schema, refusal_rate");
  v("labels", o.labels, "Of the metrics of labels.");
  v("calibration", o.calibration, "Of the metrics of calibration.");
}

}  // namespace tunewright::metrics

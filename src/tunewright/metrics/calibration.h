#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tunewright/metrics/classification_scores.h"

// Whether a model is right as often as it says.
namespace tunewright::metrics {

// Said probabilities between 0 and 1, and whether each came true.
struct Forecasts {
  std::vector<double> confidences;
  std::vector<uint8_t> outcomes;
};
// The most probable label, and whether it is right: what is meant by ECE unless told otherwise.
Forecasts top_label_forecasts(const LabelProbabilities& given);

enum class Binning { kEqualWidth, kEqualMass };
enum class BinEdges {
  kUpper,  // bins (a, b]; equal mass: edges halfway between neighbouring rows, equal edges joined
           // (Guo et al. 2017; uncertainty-calibration, HELM)
  kLower   // bins [a, b), the last one closed; equal mass: edges at quantiles (netcal)
};
struct ReliabilityOptions {
  int64_t bins = 15;
  Binning binning = Binning::kEqualWidth;
  BinEdges edges = BinEdges::kUpper;
};

// A bar of the reliability diagram.
struct ReliabilityBin {
  double low = 0, high = 0;
  int64_t rows = 0;
  double confidence = 0, accuracy = 0;  // means over its rows; 0 where it has none
};
// At least one row and one bin.
std::vector<ReliabilityBin> reliability(const Forecasts& forecasts,
                                        const ReliabilityOptions& options = {});
// Mean over the rows of |accuracy - confidence| of their bin; the largest of a bin.
double expected_calibration_error(std::span<const ReliabilityBin> bins);
double maximum_calibration_error(std::span<const ReliabilityBin> bins);

// How right the model is where it answers only its most confident rows.
struct CoveragePoint {
  double coverage = 0, accuracy = 0, confidence = 0;  // the confidence at which it begins to answer
};
struct SelectiveAccuracy {
  std::vector<CoveragePoint> curve;  // after each row, by falling confidence
  double area = 0;                  // mean accuracy over all coverages; the risk's area is 1 - area
  double most_confident_tenth = 0;  // as HELM's selective_acc@10
};
// Of rows with one confidence, each is right as often as all of them: their order has no say.
SelectiveAccuracy selective_accuracy(const Forecasts& forecasts);

}  // namespace tunewright::metrics

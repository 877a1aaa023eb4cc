#pragma once
#include "tunewright/metrics/resampling.h"

// Intervals and tests are those of the metrics module.
namespace tunewright::eval {

using metrics::bootstrap;
using metrics::BootstrapOptions;
using metrics::Interval;
using metrics::Statistic;

}  // namespace tunewright::eval

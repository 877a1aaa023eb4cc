#include "tunewright/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tunewright::train {
namespace {

double ratio(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<int64_t>(1, whole));
}

double half_cosine(double progress) {
  return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

double linear_fall(int64_t step, int64_t warmup, int64_t total) {
  return std::max(0.0, ratio(total - step, total - warmup));
}

double cosine_fall(int64_t step, int64_t warmup, int64_t total) {
  return half_cosine(ratio(step - warmup, total - warmup));
}

// Full rate until the last `decay` steps, then half a cosine.
double stable_then_fall(int64_t step, int64_t total, int64_t decay) {
  const int64_t fall_begins = total - decay;
  if (step < fall_begins) return 1.0;
  return step < total ? half_cosine(ratio(step - fall_begins, decay)) : 0.0;
}

int64_t decay_steps(const TrainOptions& options, int64_t warmup, int64_t total) {
  const auto wanted =
      static_cast<int64_t>(std::ceil(options.decay_ratio * static_cast<double>(total)));
  return std::clamp<int64_t>(wanted, 0, std::max<int64_t>(0, total - warmup));
}

// After the warm-up, from 1 down to 0.
double fall(const TrainOptions& options, int64_t step, int64_t warmup, int64_t total) {
  switch (options.lr_scheduler_type) {
    case Schedule::kLinear:
      return linear_fall(step, warmup, total);
    case Schedule::kCosine:
      return cosine_fall(step, warmup, total);
    case Schedule::kWarmupStableDecay:
      return stable_then_fall(step, total, decay_steps(options, warmup, total));
    case Schedule::kConstant:
    case Schedule::kConstantWithWarmup:
      return 1.0;
  }
  return 1.0;
}

}  // namespace

int64_t count_total_steps(data::Loader loader, const TrainOptions& options) {
  if (options.max_steps > 0) return options.max_steps;
  const auto steps_of = [&](int64_t epoch) {
    loader.seek({.epoch = epoch, .next = 0});
    const int64_t batches = loader.batches_per_epoch();
    return std::max<int64_t>(1, (batches + options.gradient_accumulation_steps - 1) /
                                    options.gradient_accumulation_steps);
  };
  const auto whole_epochs = static_cast<int64_t>(std::floor(options.num_train_epochs));
  int64_t total = 0;
  for (int64_t epoch = 0; epoch < whole_epochs; ++epoch) total += steps_of(epoch);
  const double rest = options.num_train_epochs - static_cast<double>(whole_epochs);
  if (rest <= 0) return total;
  return total +
         static_cast<int64_t>(std::ceil(rest * static_cast<double>(steps_of(whole_epochs)) - 1e-9));
}

int64_t warmup_steps(const TrainOptions& options, int64_t total_steps) {
  if (options.lr_scheduler_type == Schedule::kConstant) return 0;
  if (options.warmup_steps > 0) return options.warmup_steps;
  return static_cast<int64_t>(std::ceil(static_cast<double>(total_steps) * options.warmup_ratio));
}

double schedule_factor(const TrainOptions& options, int64_t step, int64_t total_steps) {
  const int64_t warmup = warmup_steps(options, total_steps);
  const double least = options.min_lr_ratio;
  if (step < warmup) {
    const double rise = ratio(step, warmup);
    const bool from_least = options.lr_scheduler_type ==
                            Schedule::kWarmupStableDecay;  // as get_wsd_schedule alone does
    return from_least ? rise * (1.0 - least) + least : rise;
  }
  return fall(options, step, warmup, total_steps) * (1.0 - least) + least;
}

}  // namespace tunewright::train

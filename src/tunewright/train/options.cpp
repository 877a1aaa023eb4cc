#include "tunewright/train/options.h"

#include <cmath>
#include <limits>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::train {
namespace {

template <class T>
void require(bool holds, std::string_view key, std::string_view limit, T got) {
  if (!holds) throw UserError(str("training.", key, ": must be ", limit, ", got ", got));
}

void require_at_least(int64_t least, std::string_view key, int64_t got) {
  require(got >= least, key, str("at least ", least), got);
}

void require_not_negative(std::string_view key, double got) {
  require(std::isfinite(got) && got >= 0, key, "0 or more", got);
}

void require_share(std::string_view key, double got) {
  require(got >= 0 && got <= 1, key, "between 0 and 1", got);
}

}  // namespace

void validate(const TrainOptions& options) {
  require_at_least(0, "max_steps", options.max_steps);
  require(std::isfinite(options.num_train_epochs) && options.num_train_epochs >= 0 &&
              (options.num_train_epochs > 0 || options.max_steps > 0),
          "num_train_epochs", "more than 0 (or set training.max_steps)", options.num_train_epochs);
  require_at_least(1, "per_device_train_batch_size", options.per_device_train_batch_size);
  require_at_least(1, "gradient_accumulation_steps", options.gradient_accumulation_steps);
  require_at_least(0, "tokens_per_pass", options.tokens_per_pass);
  require_at_least(0, "parallel_passes", options.parallel_passes);
  require_not_negative("learning_rate", options.learning_rate);
  require_share("warmup_ratio", options.warmup_ratio);
  require_at_least(0, "warmup_steps", options.warmup_steps);
  require_share("decay_ratio", options.decay_ratio);
  require_share("min_lr_ratio", options.min_lr_ratio);
  require_not_negative("weight_decay", options.weight_decay);
  require_not_negative("max_grad_norm", options.max_grad_norm);
  require(options.adam_beta1 >= 0 && options.adam_beta1 < 1, "adam_beta1", "at least 0 and below 1",
          options.adam_beta1);
  require(options.adam_beta2 >= 0 && options.adam_beta2 < 1, "adam_beta2", "at least 0 and below 1",
          options.adam_beta2);
  require_not_negative("adam_epsilon", options.adam_epsilon);
  require_at_least(0, "eval_steps", options.eval_steps);
  require_at_least(0, "save_steps", options.save_steps);
  require_at_least(0, "save_total_limit", options.save_total_limit);
  require_at_least(0, "early_stopping_patience", options.early_stopping_patience);
  require_at_least(1, "logging_steps", options.logging_steps);
  require_at_least(0, "seed", options.seed);
  require_at_least(0, "save_seconds", options.save_seconds);
  const double momentum = options.momentum.value_or(0.0);
  require(momentum >= 0 && momentum < 1, "momentum", "at least 0 and below 1", momentum);
  const auto& blocks = options.gradient_checkpointing;
  require(blocks.is_boolean() || (blocks.is_number_integer() && blocks.get<int64_t>() >= 0),
          "gradient_checkpointing", "true, false or a number of blocks", dump_json(blocks));
}

int64_t checkpointed_blocks(const TrainOptions& options) {
  const auto& blocks = options.gradient_checkpointing;
  if (blocks.is_number()) return blocks.get<int64_t>();
  return blocks.get<bool>() ? std::numeric_limits<int64_t>::max() : 0;
}

}  // namespace tunewright::train

#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "tunewright/base/json.h"

namespace tunewright::train {

enum class ObjectiveKind { kSft, kText };
inline constexpr std::array kObjectiveNames = {std::pair{"sft", ObjectiveKind::kSft},
                                               std::pair{"text", ObjectiveKind::kText}};

enum class Schedule { kCosine, kLinear, kConstant, kConstantWithWarmup, kWarmupStableDecay };
inline constexpr std::array kScheduleNames = {
    std::pair{"cosine", Schedule::kCosine},
    std::pair{"linear", Schedule::kLinear},
    std::pair{"constant", Schedule::kConstant},
    std::pair{"constant_with_warmup", Schedule::kConstantWithWarmup},
    std::pair{"warmup_stable_decay", Schedule::kWarmupStableDecay},
    std::pair{"wsd", Schedule::kWarmupStableDecay}};

enum class OptimizerKind { kAdamW, kAdamW8bit, kAdafactor, kLion, kMuon, kSgd };
inline constexpr std::array kOptimizerNames = {  // and transformers' names for them
    std::pair{"adamw", OptimizerKind::kAdamW},
    std::pair{"adamw_8bit", OptimizerKind::kAdamW8bit},
    std::pair{"adafactor", OptimizerKind::kAdafactor},
    std::pair{"lion", OptimizerKind::kLion},
    std::pair{"muon", OptimizerKind::kMuon},
    std::pair{"sgd", OptimizerKind::kSgd},
    std::pair{"adamw_torch", OptimizerKind::kAdamW},
    std::pair{"adamw_torch_fused", OptimizerKind::kAdamW},
    std::pair{"adamw_bnb_8bit", OptimizerKind::kAdamW8bit},
    std::pair{"lion_32bit", OptimizerKind::kLion}};

// torch.optim.Muon's adjust_lr_fn.
enum class MuonAdjustment { kOriginal, kMatchRmsAdamw };
inline constexpr std::array kMuonAdjustmentNames = {
    std::pair{"match_rms_adamw", MuonAdjustment::kMatchRmsAdamw},
    std::pair{"original", MuonAdjustment::kOriginal}};

enum class BFloat16Update { kMasters, kStochasticRounding };
inline constexpr std::array kBFloat16UpdateNames = {
    std::pair{"masters", BFloat16Update::kMasters},
    std::pair{"stochastic_rounding", BFloat16Update::kStochasticRounding}};

enum class OnNonfinite { kStop, kSkip, kRollback };
inline constexpr std::array kOnNonfiniteNames = {std::pair{"stop", OnNonfinite::kStop},
                                                 std::pair{"skip", OnNonfinite::kSkip},
                                                 std::pair{"rollback", OnNonfinite::kRollback}};

// `training:` of the configuration.
struct TrainOptions {
  ObjectiveKind objective = ObjectiveKind::kSft;
  double num_train_epochs = 1;
  int64_t max_steps = 0;
  int64_t per_device_train_batch_size = 8;
  int64_t gradient_accumulation_steps = 1;
  int64_t tokens_per_pass = 2048;
  int64_t parallel_passes = 0;
  double learning_rate = 2e-4;
  Schedule lr_scheduler_type = Schedule::kCosine;
  double warmup_ratio = 0.03;
  int64_t warmup_steps = 0;
  double decay_ratio = 0.1;
  double min_lr_ratio = 0.0;
  double weight_decay = 0.0;
  double max_grad_norm = 1.0;
  OptimizerKind optim = OptimizerKind::kAdamW;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  std::optional<double> momentum;
  MuonAdjustment muon_adjust_lr_fn = MuonAdjustment::kMatchRmsAdamw;
  BFloat16Update bf16_update = BFloat16Update::kMasters;
  Json gradient_checkpointing = false;  // true, false or a number of blocks
  int64_t eval_steps = 50;
  int64_t save_steps = 50;
  int64_t save_total_limit = 3;
  bool load_best_model_at_end = true;
  int64_t early_stopping_patience = 0;
  int64_t logging_steps = 1;
  int64_t seed = 42;
  bool deterministic = false;
  int64_t save_seconds = 0;
  OnNonfinite on_nonfinite = OnNonfinite::kStop;
};

template <class V>
void fields(V& v, TrainOptions& o) {
  v.choice("objective", o.objective, kObjectiveNames,
           "sft: supervised rows of any format; text: the same, for continued pre-training.");
  v("num_train_epochs", o.num_train_epochs, "Passes over the data.");
  v("max_steps", o.max_steps, "Optimizer steps; 0: num_train_epochs decides.");
  v("per_device_train_batch_size", o.per_device_train_batch_size,
    "Rows of a micro-batch; with packing, sequences of max_length.");
  v("gradient_accumulation_steps", o.gradient_accumulation_steps,
    "Micro-batches of an optimizer step.");
  v("tokens_per_pass", o.tokens_per_pass,
    "Tokens of one forward and backward pass; a larger micro-batch is split, which changes memory "
    "but not the gradient. 0: never split.");
  v("parallel_passes", o.parallel_passes,
    "Parts of a pass that are computed side by side, each on its share of the cores; 0: as many as "
    "suit cores, rows and memory.");
  v("learning_rate", o.learning_rate, "Peak rate, reached after warm-up.");
  v.choice("lr_scheduler_type", o.lr_scheduler_type, kScheduleNames, "How the rate falls.");
  v("warmup_ratio", o.warmup_ratio, "Share of the steps in which the rate rises linearly.");
  v("warmup_steps", o.warmup_steps, "The same in steps; wins where it is not 0.");
  v("decay_ratio", o.decay_ratio,
    "warmup_stable_decay: share of the steps in which the rate falls at the end.");
  v("min_lr_ratio", o.min_lr_ratio, "Lowest rate as a share of learning_rate.");
  v("weight_decay", o.weight_decay,
    "Decoupled (sgd: added to the gradient); never on norms and biases.");
  v("max_grad_norm", o.max_grad_norm, "Gradients are scaled down to this norm; 0: off.");
  v.choice("optim", o.optim, kOptimizerNames, "Optimizer.");
  v("adam_beta1", o.adam_beta1,
    "AdamW: decay of the mean of the gradients; lion: share of that mean in an update.");
  v("adam_beta2", o.adam_beta2,
    "AdamW: decay of the mean of their squares; lion: decay of the mean of the gradients.");
  v("adam_epsilon", o.adam_epsilon, "AdamW: added to the root of the latter.");
  v("momentum", o.momentum, "sgd and muon; null: 0 for sgd, 0.95 for muon.");
  v.choice("muon_adjust_lr_fn", o.muon_adjust_lr_fn, kMuonAdjustmentNames,
           "muon: how the rate follows a matrix's shape; match_rms_adamw takes AdamW's rates.");
  v.choice("bf16_update", o.bf16_update, kBFloat16UpdateNames,
           "How trained bfloat16 weights keep updates below their spacing.");
  v("gradient_checkpointing", o.gradient_checkpointing,
    "Recompute blocks in the backward pass: less memory, more time; N: only the first N blocks.");
  v("eval_steps", o.eval_steps, "Evaluate every so many steps.");
  v("save_steps", o.save_steps, "Checkpoint every so many steps; 0: only at the end.");
  v("save_total_limit", o.save_total_limit, "Checkpoints kept, besides the best one; 0: all.");
  v("load_best_model_at_end", o.load_best_model_at_end,
    "Keep the weights of the lowest eval_loss (needs data.eval).");
  v("early_stopping_patience", o.early_stopping_patience,
    "Stop after so many evaluations without a new best; 0: off.");
  v("logging_steps", o.logging_steps, "Write a line of metrics every so many steps.");
  v("seed", o.seed, "Of initialisation, order and dropout.");
  v("deterministic", o.deterministic,
    "The same bits on every run of a GPU too: operations that have no such way are errors, others "
    "are slower. The processor's are always so: nothing changes there.");
  v("save_seconds", o.save_seconds, "Checkpoint also after so many seconds; 0: off.");
  v.choice("on_nonfinite", o.on_nonfinite, kOnNonfiniteNames,
           "A loss or gradient that is not finite: ends the run; has its step dropped; or drops it "
           "and goes back to the last checkpoint of save_steps, without the rows to blame.");
}

// A value outside its limits is a UserError that names the key, the limit and what was given.
void validate(const TrainOptions& options);

// How many of the model's first blocks are recomputed: 0 for false, the largest number for true.
int64_t checkpointed_blocks(const TrainOptions& options);

}  // namespace tunewright::train

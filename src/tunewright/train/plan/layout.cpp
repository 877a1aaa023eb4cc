#include "tunewright/train/plan/layout.h"

#include <algorithm>

#include "tunewright/train/passes.h"
#include "tunewright/train/schedule.h"

namespace tunewright::train {
namespace {

bool epoch_ended(data::Loader& loader) {
  return loader.position().next >= loader.batches_per_epoch();
}

// As Trainer takes them.
std::vector<data::PassLayout> next_step(data::Loader& loader, const data::ExampleStore& examples,
                                        const TrainOptions& options) {
  std::vector<data::PassLayout> step;
  for (int64_t i = 0; i < options.gradient_accumulation_steps; ++i) {
    for (auto& pass : data::lay_out(examples, loader.next_indices(), options.tokens_per_pass)) {
      if (pass.targets > 0) step.push_back(std::move(pass));
    }
    if (epoch_ended(loader)) break;
  }
  return step;
}

void lay_out_steps(RunLayout& layout, const data::Dataset& train, const data::DataOptions& data,
                   const TrainOptions& options, int64_t most_examples) {
  data::Loader loader(train, loader_options(data, options));
  layout.total_steps = count_total_steps(loader, options);
  int64_t looked_at = 0;
  while (std::ssize(layout.steps) < layout.total_steps && looked_at < most_examples) {
    auto& step = layout.steps.emplace_back(next_step(loader, train.examples, options));
    for (const auto& pass : step) looked_at += std::ssize(pass.examples);
    ++looked_at;  // a step of nothing counts too
  }
}

// As Trainer decides.
void count_evaluations_and_saves(RunLayout& layout, bool evaluates, const TrainOptions& options) {
  const auto due = [](int64_t step, int64_t every) { return every > 0 && step % every == 0; };
  const int64_t last = layout.total_steps;
  if (options.on_nonfinite == OnNonfinite::kRollback) {
    ++layout.saves;
    layout.saves_while_training = true;
  }
  for (int64_t step = 1; step <= last; ++step) {
    const bool evaluation = evaluates && (due(step, options.eval_steps) || step == last);
    const bool best = evaluation && options.load_best_model_at_end;
    const bool save = step == last || due(step, options.save_steps) || best;
    layout.evaluations += evaluation;
    layout.saves += save;
    layout.saves_while_training |= save && step < last;
  }
}

bool same(const data::PassLayout& a, const data::PassLayout& b) {
  return a.tokens == b.tokens && a.targets == b.targets && a.squares == b.squares;
}

}  // namespace

data::Loader::Options loader_options(const data::DataOptions& data, const TrainOptions& options) {
  return {.batch_size = options.per_device_train_batch_size,
          .max_length = data.max_length,
          .packing = data.packing,
          .shuffle = data.shuffle,
          .seed = static_cast<uint64_t>(options.seed)};
}

int64_t RunLayout::tokens() const {
  int64_t sum = 0;
  for (const auto& step : steps) {
    for (const auto& pass : step) sum += pass.tokens;
  }
  return sum;
}

int64_t RunLayout::passes() const {
  int64_t sum = 0;
  for (const auto& step : steps) sum += std::ssize(step);
  return sum;
}

bool RunLayout::several_passes() const {
  return std::ranges::any_of(steps, [](const auto& step) { return step.size() > 1; });
}

RunLayout lay_out_run(const RunRows& rows, const data::DataOptions& data,
                      const TrainOptions& options, int64_t most_examples) {
  RunLayout layout;
  lay_out_steps(layout, rows.train, data, options, most_examples);
  if (rows.eval != nullptr) {
    for (auto& pass :
         data::lay_out_all(rows.eval->examples, evaluation_pass_tokens(options.tokens_per_pass))) {
      if (pass.targets > 0) layout.evaluation.push_back(std::move(pass));
    }
  }
  count_evaluations_and_saves(layout, rows.eval != nullptr, options);
  return layout;
}

std::vector<data::PassLayout> passes_of(const RunLayout& layout) {
  std::vector<data::PassLayout> passes;
  for (const auto& step : layout.steps) passes.insert(passes.end(), step.begin(), step.end());
  return passes;
}

std::vector<data::PassLayout> representative(const std::vector<data::PassLayout>& passes) {
  if (passes.empty()) return {};
  std::vector<const data::PassLayout*> order;
  for (const auto& pass : passes) order.push_back(&pass);
  std::ranges::stable_sort(order, [](const auto* a, const auto* b) {
    return std::pair(a->tokens, a->targets) < std::pair(b->tokens, b->targets);
  });
  std::vector<data::PassLayout> chosen;
  const auto add = [&](const data::PassLayout& pass) {
    const bool known =
        std::ranges::any_of(chosen, [&](const auto& other) { return same(pass, other); });
    if (!known) chosen.push_back(pass);
  };
  const auto at = [&](double place) -> const data::PassLayout& {
    return *order[static_cast<size_t>(place * static_cast<double>(order.size() - 1))];
  };
  for (const double place : {1.0, 0.5, 0.1}) add(at(place));
  add(*std::ranges::max_element(passes, {}, &data::PassLayout::targets));
  for (const double place : {0.75, 0.25}) add(at(place));
  return chosen;
}

}  // namespace tunewright::train

#include "tunewright/train/plan/fit.h"

#include <algorithm>
#include <cstddef>

#include "tunewright/base/str.h"

namespace tunewright::train {
namespace {

// One step of a way, as far as the way has them: the mildest first.
struct Setting {
  Change change;
  std::function<void(Recipe&)> apply;
};
using Way = std::vector<Setting>;

constexpr int64_t kSmallestPass = 128, kShortestRow = 128;

Way smaller_passes(const FitQuestion& question) {
  Way way;
  const auto add = [&](int64_t tokens) {
    way.push_back({{"training.tokens_per_pass", tokens},
                   [tokens](Recipe& recipe) { recipe.training.tokens_per_pass = tokens; }});
  };
  const int64_t least = std::max(kSmallestPass, question.longest_example);
  int64_t tokens = 1;
  while (tokens * 2 < question.largest_pass) tokens *= 2;
  for (; tokens >= least; tokens /= 2) add(tokens);
  const bool last = least < question.largest_pass &&
                    (way.empty() || way.back().change.value.get<int64_t>() > least);
  if (last) add(least);
  return way;
}

Way computed_again(const FitQuestion& question) {
  Way way;
  const auto counts = block_counts(question.blocks, question.recipe);
  const int64_t frozen = counts.frozen;
  for (const int64_t quarters : {1, 2, 3, 4}) {
    const int64_t blocks = (question.blocks - frozen) * quarters / 4;
    if (blocks <= counts.checkpointed) continue;
    const Json value = quarters == 4 ? Json(true) : Json(frozen + blocks);
    way.push_back({{"training.gradient_checkpointing", value},
                   [value](Recipe& recipe) { recipe.training.gradient_checkpointing = value; }});
  }
  return way;
}

Way optimizer_in_8_bits(const FitQuestion& question) {
  if (question.recipe.training.optim != OptimizerKind::kAdamW) return {};
  return {{{"training.optim", "adamw_8bit"},
           [](Recipe& recipe) { recipe.training.optim = OptimizerKind::kAdamW8bit; }}};
}

Way quantised(const FitQuestion& question) {
  const auto& [model, data, adapter, training] = question.recipe;
  const bool possible = adapter.type == model::AdapterType::kLora &&
                        model.quantization == model::Quantization::kNone &&
                        model.device != model::Device::kCuda;
  if (!possible) return {};
  const auto to = [](const char* name, model::Quantization quantization) {
    return Setting{{"model.quantization", name},
                   [quantization](Recipe& recipe) { recipe.model.quantization = quantization; }};
  };
  return {to("int8", model::Quantization::kInt8), to("nf4", model::Quantization::kNf4)};
}

Way shorter_rows(const FitQuestion& question) {
  Way way;
  if (question.recipe.data.overflow == data::Overflow::kError) return way;
  const int64_t longest = std::min(question.recipe.data.max_length, question.longest_example);
  for (int64_t length = longest / 2; length >= kShortestRow; length /= 2) {
    way.push_back({{"data.max_length", length}, [length](Recipe& recipe) {
                     recipe.data.max_length = length;
                     auto& tokens = recipe.training.tokens_per_pass;
                     if (tokens > 0) tokens = std::max(length, std::min(tokens, 2 * length));
                   }});
  }
  return way;
}

bool uses(const std::vector<size_t>& ways, size_t way) {
  return std::ranges::find(ways, way) != ways.end();
}

// The mildest settings of these ways together that fit: the last way is turned first.  None: empty.
std::vector<const Setting*> find_settings(const FitQuestion& question, const std::vector<Way>& ways,
                                          std::span<const size_t> together, const Recipe& recipe) {
  for (const auto& setting : ways[together.front()]) {
    auto changed = recipe;
    setting.apply(changed);
    if (together.size() == 1) {
      if (question.need(changed) <= question.limit) return {&setting};
      continue;
    }
    auto rest = find_settings(question, ways, together.subspan(1), changed);
    if (rest.empty()) continue;
    rest.insert(rest.begin(), &setting);
    return rest;
  }
  return {};
}

bool contains_all(const std::vector<size_t>& set, const std::vector<size_t>& subset) {
  return std::ranges::all_of(subset, [&](size_t way) { return uses(set, way); });
}

}  // namespace

std::vector<Proposal> propose(const FitQuestion& question) {
  const std::vector<Way> ways = {smaller_passes(question), computed_again(question),
                                 optimizer_in_8_bits(question), quantised(question),
                                 shorter_rows(question)};
  enum : size_t { kPasses, kAgain, kOptimizer, kQuantised, kShorter };
  // In the order in which they cost.  A set that holds one that is enough already says nothing new.
  const std::vector<std::vector<size_t>> sets = {{kPasses},
                                                 {kAgain},
                                                 {kAgain, kPasses},
                                                 {kOptimizer},
                                                 {kOptimizer, kPasses},
                                                 {kOptimizer, kAgain, kPasses},
                                                 {kQuantised},
                                                 {kQuantised, kPasses},
                                                 {kQuantised, kAgain, kPasses},
                                                 {kQuantised, kOptimizer, kAgain, kPasses},
                                                 {kShorter},
                                                 {kShorter, kAgain},
                                                 {kShorter, kOptimizer, kAgain},
                                                 {kShorter, kQuantised, kAgain},
                                                 {kShorter, kQuantised, kOptimizer, kAgain}};
  std::vector<Proposal> proposals;
  std::vector<std::vector<size_t>> enough;
  for (const auto& set : sets) {
    if (std::ranges::any_of(enough, [&](const auto& known) { return contains_all(set, known); }))
      continue;
    const auto settings = find_settings(question, ways, set, question.recipe);
    if (settings.empty()) continue;
    enough.push_back(set);
    auto& proposal = proposals.emplace_back(Proposal{.changes = {}, .recipe = question.recipe});
    for (const auto* setting : settings) {
      setting->apply(proposal.recipe);
      proposal.changes.push_back(setting->change);
    }
    const auto tokens = proposal.recipe.training.tokens_per_pass;
    if (uses(set, kShorter) && tokens != question.recipe.training.tokens_per_pass)
      proposal.changes.push_back({"training.tokens_per_pass", tokens});
  }
  return proposals;
}

std::string yaml_of(const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  for (const auto* section : {"model", "data", "training"}) {
    std::vector<std::string> settings;
    for (const auto& [key, value] : changes) {
      const auto parts = split(key, '.');
      if (parts.front() != section) continue;
      settings.push_back(
          str(parts.back(), ": ", value.is_string() ? value.get<std::string>() : dump_json(value)));
    }
    if (!settings.empty()) lines.push_back(str(section, ": {", join(settings, ", "), "}"));
  }
  return join(lines, "\n");
}

}  // namespace tunewright::train

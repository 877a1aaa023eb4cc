#include "tunewright/plan_text.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tunewright/base/str.h"

namespace tunewright::app {
namespace {

constexpr double kGiB = 1 << 30;

// --- JSON ---

Json memory_json(const train::MemoryForecast& memory) {
  return {{"loading_bytes", int64_t(memory.loading)},
          {"training_bytes", int64_t(memory.training)},
          {"evaluation_bytes", int64_t(memory.evaluation)},
          {"saving_bytes", int64_t(memory.saving)},
          {"weights_bytes", int64_t(memory.weights)},
          {"trained_bytes", int64_t(memory.trained)},
          {"activations_bytes", int64_t(memory.activations)},
          {"program_bytes", int64_t(memory.program)}};
}

Json time_json(const train::TimeForecast& time) {
  return {{"start_seconds", time.start},
          {"steps_seconds", time.steps},
          {"evaluation_seconds", time.evaluation},
          {"evaluations_seconds", time.evaluations},
          {"saves_seconds", time.saves}};
}

Json run_json(const train::RunLayout& layout) {
  const auto steps = double(std::max<size_t>(1, layout.steps.size()));
  return {{"steps", layout.total_steps},
          {"evaluations", layout.evaluations},
          {"saves", layout.saves},
          {"tokens_per_step", double(layout.tokens()) / steps},
          {"passes_per_step", double(layout.passes()) / steps}};
}

Json cost_json(const Plan& plan, double now) {
  const auto tariff = tariff_of(plan.config.cost);
  if (!plan.forecast || (tariff.hourly == 0 && tariff.cheap_hours.empty())) return nullptr;
  const double seconds = plan.forecast->time.total();
  Json cost = {{"currency", plan.config.cost.currency},
               {"now", observe::price(tariff, now, seconds)}};
  if (!tariff.cheap_hours.empty()) {
    const auto best = observe::cheapest_start(tariff, now, seconds);
    cost["best"] = best.price;
    cost["best_start_in_seconds"] = 60 * best.minutes_from_now;
  }
  return cost;
}

Json figures_json(const Plan& plan, double now) {
  const auto& forecast = plan.forecast;
  return {{"peak_memory_bytes", int64_t(plan.peak())},
          {"step_seconds", forecast ? Json(forecast->time.step) : Json(nullptr)},
          {"total_seconds", forecast ? Json(forecast->time.total()) : Json(nullptr)},
          {"cost", cost_json(plan, now)}};
}

Json fit_json(const std::optional<Fit>& fit, double now) {
  if (!fit) return nullptr;
  Json list = Json::array();
  for (const auto& [proposal, plan] : fit->alternatives) {
    auto entry = figures_json(plan, now);
    entry["changes"] = Json::object();
    for (const auto& [key, value] : proposal.changes) entry["changes"][key] = value;
    list.push_back(std::move(entry));
  }
  return {{"limit_bytes", int64_t(fit->limit_bytes)}, {"fits", fit->fits}, {"proposals", list}};
}

// --- text ---

std::string gib(double bytes) { return fixed(bytes / kGiB, 2) + " GiB"; }

std::string seconds_text(double seconds) {
  return seconds < 60 ? fixed(seconds, seconds < 10 ? 2 : 1) + " s" : human_seconds(seconds);
}

std::string line(const std::string& label, const std::string& value, const std::string& remark) {
  constexpr size_t kLabel = 28, kValue = 12;
  auto text = "  " + label;
  text.resize(std::max(text.size(), kLabel), ' ');
  text += std::string(kValue > value.size() ? kValue - value.size() : 0, ' ') + value;
  return text + (remark.empty() ? "" : "   " + remark) + "\n";
}

// "####......": a share of `width`.
std::string bar(double share) {
  constexpr double kWidth = 30;
  const auto filled = size_t(std::lround(std::clamp(share, 0.0, 1.0) * kWidth));
  return std::string(filled, '#') + std::string(size_t(kWidth) - filled, '.');
}

std::string run_text(const Plan& plan) {
  const auto& layout = plan.survey.layout;
  const auto run = run_json(layout);
  const auto& pass = plan.survey.load.largest;
  return str("run: ", layout.total_steps, " steps of ", fixed(run["tokens_per_step"], 0),
             " tokens in ", fixed(run["passes_per_step"], 1), " passes, the largest of ",
             pass.tokens, " tokens with ", pass.targets, " to predict; ", layout.evaluations,
             " evaluations, ", layout.saves, " checkpoints\n");
}

std::string parts_text(const train::MemoryForecast& memory) {
  const std::vector<std::pair<std::string, double>> parts = {
      {"weights", memory.weights},
      {"adapter, optimizer", memory.trained},
      {"activations, gradients", memory.activations},
      {"program", memory.program}};
  std::string text;
  for (const auto& [label, bytes] : parts)
    text += line("  " + label, gib(bytes), bar(bytes / memory.training));
  return text;
}

std::string memory_text(const Plan& plan) {
  const auto& memory = plan.forecast->memory;
  const auto& layout = plan.survey.layout;
  const bool fits = memory.peak() <= double(plan.usable_bytes);
  auto text = str("\nmemory\n", line("loading", gib(memory.loading), ""),
                  line("training", gib(memory.training), ""), parts_text(memory));
  if (layout.evaluations > 0) text += line("evaluation", gib(memory.evaluation), "");
  text += line("saving", gib(memory.saving),
               layout.saves_while_training ? "a checkpoint is written while training goes on" : "");
  return text + line("peak", gib(memory.peak()),
                     str(fits ? "of " : "MORE THAN THE ", gib(double(plan.usable_bytes)),
                         " that are free"));
}

std::string time_text(const Plan& plan) {
  const auto& time = plan.forecast->time;
  const auto& layout = plan.survey.layout;
  const double tokens = run_json(layout)["tokens_per_step"];
  auto text = str("\ntime\n", line("start", seconds_text(time.start), ""),
                  line(str(layout.total_steps, " steps"), seconds_text(time.steps),
                       str(seconds_text(time.step), " each, ",
                           fixed(tokens / std::max(time.step, 1e-9), 0), " tokens/s")));
  if (layout.evaluations > 0) {
    text += line(str(layout.evaluations, " evaluations"), seconds_text(time.evaluations),
                 str(seconds_text(time.evaluation), " each"));
  }
  text += line(str(layout.saves, " checkpoints"), seconds_text(time.saves), "");
  return text + line("total", seconds_text(time.total()), "");
}

std::string cost_text(const Plan& plan, double now) {
  const auto cost = cost_json(plan, now);
  if (cost.is_null()) return "";
  const auto money = [&](double amount) {
    return str(fixed(amount, 2), " ", cost["currency"].get<std::string>());
  };
  auto text = str("\ncost\n", line("started now", money(cost["now"]), ""));
  if (cost.contains("best")) {
    const double wait = cost["best_start_in_seconds"];
    text += line("at best", money(cost["best"]),
                 wait > 0 ? "started in " + human_seconds(wait) : "now is the best time");
  }
  return text;
}

std::string indented(const std::string& lines) {
  return "    " + replace_all(lines, "\n", "\n    ") + "\n";
}

std::string fit_text(const Fit& fit) {
  auto text = str("\nfit into ", gib(fit.limit_bytes), "\n");
  if (fit.fits) return text + "  it fits as it is\n";
  if (fit.alternatives.empty()) {
    return text +
           "  nothing that can be changed here is enough: not smaller passes, recomputed blocks, "
           "an "
           "optimizer\n  in 8 bits, a quantised base or shorter rows. A smaller model, or a larger "
           "machine, is needed.\n";
  }
  for (const auto& [proposal, plan] : fit.alternatives) {
    text += str("  ", gib(plan.peak()), ", ", seconds_text(plan.forecast->time.step), " a step, ",
                seconds_text(plan.forecast->time.total()), " in all:\n",
                indented(train::yaml_of(proposal.changes)));
  }
  return text;
}

}  // namespace

Json plan_json(const Plan& plan, const std::optional<Fit>& fit, double now) {
  auto result = figures_json(plan, now);
  const auto& forecast = plan.forecast;
  result["measured"] = forecast.has_value();
  result["usable_memory_bytes"] = plan.usable_bytes;
  result["fits"] = plan.peak() <= double(plan.usable_bytes);
  result["memory"] = forecast ? memory_json(forecast->memory) : Json(nullptr);
  result["time"] = forecast ? time_json(forecast->time) : Json(nullptr);
  result["run"] = run_json(plan.survey.layout);
  result["fit"] = fit_json(fit, now);
  return result;
}

std::string plan_text(const Plan& plan, const std::optional<Fit>& fit, double now) {
  auto text = run_text(plan);
  if (plan.forecast) {
    text += memory_text(plan) + time_text(plan) + cost_text(plan, now);
  } else {
    text += str("\nIt needs at least ", gib(plan.floor_bytes), ", and ",
                gib(double(plan.usable_bytes)), " are free: too few to measure it here.\n");
  }
  if (fit) text += fit_text(*fit);
  text.pop_back();
  return text;
}

}  // namespace tunewright::app

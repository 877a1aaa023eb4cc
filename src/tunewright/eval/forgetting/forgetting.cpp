#include "tunewright/eval/forgetting/forgetting.h"

#include <cmath>

#include "tunewright/eval/forgetting/general_set.h"

namespace tunewright::eval {
namespace {

using Rows = std::span<const int64_t>;

double perplexity(const GeneralRun& run, Rows texts) {
  double loss = 0, tokens = 0;
  for (const auto text : texts) {
    loss += run.text_loss[static_cast<size_t>(text)];
    tokens += static_cast<double>(run.text_tokens[static_cast<size_t>(text)]);
  }
  return std::exp(loss / tokens);
}

double accuracy(const GeneralRun& run, Rows questions) {
  double right = 0;
  for (const auto question : questions) right += run.right[static_cast<size_t>(question)];
  return right / static_cast<double>(questions.size());
}

std::vector<Forgetting::Domain> domains(const GeneralInput& input, const GeneralRun& model,
                                        const GeneralRun& baseline) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> groups;  // in the order of the set
  for (size_t i = 0; i < input.texts.size(); ++i) {
    if (groups.empty() || groups.back().first != input.texts[i].domain)
      groups.emplace_back(input.texts[i].domain, std::vector<int64_t>{});
    groups.back().second.push_back(static_cast<int64_t>(i));
  }
  std::vector<Forgetting::Domain> found;
  for (const auto& [name, texts] : groups)
    found.push_back({name, perplexity(model, texts), perplexity(baseline, texts)});
  return found;
}

// The mean over tokens; whole prompts are drawn.
Interval mean_kl(const std::vector<double>& kl, const std::vector<int64_t>& prompt_tokens,
                 const BootstrapOptions& options) {
  std::vector<double> sums;
  size_t next = 0;
  for (const auto tokens : prompt_tokens) {
    double sum = 0;
    for (int64_t i = 0; i < tokens; ++i) sum += kl[next++];
    sums.push_back(sum);
  }
  const auto mean = [&](Rows prompts) {
    double sum = 0, tokens = 0;
    for (const auto prompt : prompts) {
      sum += sums[static_cast<size_t>(prompt)];
      tokens += static_cast<double>(prompt_tokens[static_cast<size_t>(prompt)]);
    }
    return sum / tokens;
  };
  return bootstrap(mean, std::ssize(prompt_tokens), options);
}

std::optional<double> kept(const std::optional<FormatRun>& run) {
  if (!run) return std::nullopt;
  return static_cast<double>(run->kept) / static_cast<double>(run->probes);
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json interval_json(const Interval& interval) {
  return {{"value", number(interval.value)},
          {"low", number(interval.low)},
          {"high", number(interval.high)}};
}

Json format_json(const std::optional<FormatRun>& run) {
  if (!run) return nullptr;
  return {
      {"probes", run->probes}, {"ended", run->ended}, {"leaked", run->leaked}, {"kept", run->kept}};
}

}  // namespace

Forgetting compare_general(const GeneralInput& input, const GeneralRun& model,
                           const GeneralRun& baseline, const BootstrapOptions& options) {
  const auto texts = all_rows(input.texts.size()), questions = all_rows(model.right.size());
  Forgetting found{.perplexity = perplexity(model, texts),
                   .baseline_perplexity = perplexity(baseline, texts)};
  found.ppl_increase =
      bootstrap([&](Rows rows) { return perplexity(model, rows) / perplexity(baseline, rows) - 1; },
                std::ssize(texts), options);
  found.domains = domains(input, model, baseline);
  const auto accuracy_of = [&](const GeneralRun& run) {
    return bootstrap([&](Rows rows) { return accuracy(run, rows); }, std::ssize(questions),
                     options);
  };
  found.choice_accuracy = accuracy_of(model);
  found.baseline_choice_accuracy = accuracy_of(baseline);
  found.choice_difference =
      bootstrap([&](Rows rows) { return accuracy(model, rows) - accuracy(baseline, rows); },
                std::ssize(questions), options);
  found.format = model.format;
  found.baseline_format = baseline.format;
  const auto apart = divergence(baseline.states, baseline.head, model.states, model.head);
  found.kl = mean_kl(apart.kl, model.prompt_tokens, options);
  found.same_top = static_cast<double>(apart.same_top) / static_cast<double>(apart.kl.size());
  return found;
}

std::vector<std::pair<std::string, Interval>> figures(const Forgetting& forgetting) {
  const auto alone = [](double value) { return Interval{value, NAN, NAN}; };
  const auto& difference = forgetting.choice_difference;
  std::vector<std::pair<std::string, Interval>> all = {
      {"ppl_increase", forgetting.ppl_increase},
      {"perplexity", alone(forgetting.perplexity)},
      {"kl", forgetting.kl},
      {"choice_accuracy", forgetting.choice_accuracy},
      {"choice_accuracy_drop", {-difference.value, -difference.high, -difference.low}},
      {"same_top", alone(forgetting.same_top)}};
  if (const auto share = kept(forgetting.format)) all.emplace_back("format_kept", alone(*share));
  return all;
}

Json to_json(const Forgetting& forgetting) {
  Json domains = Json::array();
  for (const auto& domain : forgetting.domains) {
    domains.push_back({{"domain", domain.name},
                       {"perplexity", number(domain.perplexity)},
                       {"baseline_perplexity", number(domain.baseline_perplexity)}});
  }
  Json metrics = Json::object();
  for (const auto& [name, interval] : figures(forgetting)) metrics[name] = number(interval.value);
  return {{"general_set", {{"version", kGeneralSetVersion}, {"sha256", general_set_sha256()}}},
          {"metrics", std::move(metrics)},
          {"perplexity", number(forgetting.perplexity)},
          {"baseline_perplexity", number(forgetting.baseline_perplexity)},
          {"ppl_increase", interval_json(forgetting.ppl_increase)},
          {"domains", std::move(domains)},
          {"choice_accuracy", interval_json(forgetting.choice_accuracy)},
          {"baseline_choice_accuracy", interval_json(forgetting.baseline_choice_accuracy)},
          {"choice_difference", interval_json(forgetting.choice_difference)},
          {"format", format_json(forgetting.format)},
          {"baseline_format", format_json(forgetting.baseline_format)},
          {"kl", interval_json(forgetting.kl)},
          {"same_top", number(forgetting.same_top)}};
}

}  // namespace tunewright::eval

#include "tunewright/corpus/build/stage.h"

#include <charconv>
#include <cstdio>
#include <functional>
#include <string_view>
#include <system_error>

#include "tunewright/base/str.h"
#include "tunewright/corpus/build/reorder.h"

namespace tunewright::corpus {
namespace {

Shard shard_of(const StageOptions& options, const char* kind, size_t i) {
  char name[64];
  std::snprintf(name, sizeof name, "%s%zu-%06zu", kind, options.number, i);
  return {options.folder, name};
}

StageShard with_count(Shard shard) {
  const auto rows = std::ssize(shard.read_facts().origins);
  return {std::move(shard), 0, rows};
}

std::string label_of(const std::vector<NamedStep>& steps, const StagePlan& plan) {
  std::vector<std::string> labels;
  for (size_t i = plan.begin; i < plan.end; ++i) labels.push_back(steps[i].label);
  return excerpt(join(labels, ", "));
}

// The source row of each row of a stage's input.
std::vector<int64_t> origins_of(const StageShards& input) {
  std::vector<int64_t> origins;
  for (const auto& shard : input) {
    for (const auto origin : shard.shard.read_facts().origins)
      origins.push_back(shard.first_origin + origin);
  }
  return origins;
}

struct Sources {
  std::vector<int64_t> origins;  // of each row of a stage's input
  const RowNames& names;
};

// A step that compares names other rows by their numbers in its input: "near-duplicate of row 7,
// jaccard 0.91".  Outside they are rows of a source: "near-duplicate of row 2 of mails/b.jsonl, …".
std::string with_names(const Sources& sources, const std::string& reason) {
  constexpr std::string_view kRow = " row ";
  std::string named;
  size_t done = 0;
  for (size_t at = 0; (at = reason.find(kRow, done)) != std::string::npos;) {
    const auto* const begin = reason.data() + at + kRow.size();
    size_t row = 0;
    const auto [end, error] = std::from_chars(begin, reason.data() + reason.size(), row);
    const bool is_row = error == std::errc() && row < sources.origins.size();
    named.append(reason, done, at - done + kRow.size());
    if (is_row) {
      const auto name = sources.names[sources.origins[row]];
      named += str(name.row, " of ", name.source);
    }
    done = static_cast<size_t>((is_row ? end : begin) - reason.data());
  }
  return named.append(reason, done);
}

// Of what the first step of the stage has decided.
void name_rows(const Sources& sources, int64_t step, ChainResult& result) {
  for (auto& event : result.events) {
    if (event.step == step) event.reason = with_names(sources, event.reason);
  }
  const auto tally = result.steps.find(step);
  if (tally == result.steps.end()) return;
  for (auto* samples : {&tally->second.dropped_samples, &tally->second.changed_samples}) {
    for (auto& sample : *samples) sample.reason = with_names(sources, sample.reason);
  }
}

struct Judging {
  const Chain& chain;
  std::function<void(ChainResult&)> finish;
  int64_t workers = 1;
};

// Judges the rows of one shard, which are numbered from `first_row`.
Shard judge_shard(const Judging& judging, const StageShard& input, int64_t first_row,
                  Shard output) {
  ShardWriter writer(output);
  ChainRunner runner(judging.chain, judging.workers);
  const auto use = [&](ChainResult&& result) {
    judging.finish(result);
    writer.add(std::move(result));
  };
  for_each_batch(input, first_row, [&](std::vector<TracedRow>&& batch) {
    for (size_t i = 0; i < batch.size(); ++i) writer.add_input();
    runner.put(std::move(batch), use);
  });
  runner.finish(use);
  writer.commit();
  return output;
}

StageShards judge_all(const Chain& chain, const StageShards& input, const StageOptions& options,
                      const PassView& view) {
  StageShards output;
  const auto total = row_count(input);
  const Sources sources{.origins = origins_of(input), .names = options.names};
  const auto first_step = static_cast<int64_t>(options.plan.begin) + 1;
  const Judging judging{
      .chain = chain,
      .finish = [&](ChainResult& result) { name_rows(sources, first_step, result); },
      .workers = options.workers};
  int64_t first_row = 0;
  for (size_t i = 0; i < input.size(); ++i) {
    auto shard = shard_of(options, "stage", i);
    if (!shard.is_finished()) shard = judge_shard(judging, input[i], first_row, shard);
    output.push_back(with_count(shard));
    first_row += input[i].rows;
    view.reporter.progress(view.label, first_row, total, "rows", "");
  }
  view.reporter.finish_progress();
  return output;
}

// Says that the stage is done: what it found, and which shards came out.
fs::path marker_of(const StageOptions& options) {
  return options.folder / str("stage", options.number, ".json");
}

StageResult read_result(const StageOptions& options, size_t shards_in) {
  const auto marker = read_json(marker_of(options));
  StageResult result{.is_ordered = marker["is_ordered"], .summary = marker["summary"]};
  for (size_t i = 0; i < shards_in; ++i)
    result.judged.push_back(with_count(shard_of(options, "stage", i)));
  if (!result.is_ordered) {
    result.shards = result.judged;
  } else {
    for (size_t i = 0; i < marker["shards"].get<size_t>(); ++i)
      result.shards.push_back(with_count(shard_of(options, "ordered", i)));
  }
  return result;
}

}  // namespace

std::vector<StagePlan> plan_stages(const std::vector<NamedStep>& steps) {
  std::vector<StagePlan> plans = {{}};
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_global()) plans.push_back({i, i});
    plans.back().end = i + 1;
  }
  return plans;
}

std::vector<ChainStep> chain_of(const std::vector<NamedStep>& steps, const StagePlan& plan) {
  std::vector<ChainStep> chain;
  for (size_t i = plan.begin; i < plan.end; ++i)
    chain.push_back({steps[i].step.get(), static_cast<int64_t>(i) + 1});
  return chain;
}

StageResult run_stage(std::vector<NamedStep>& steps, const StageShards& input,
                      const StageOptions& options, Reporter& reporter) {
  if (fs::exists(marker_of(options))) return read_result(options, input.size());
  auto& first = steps[options.plan.begin];
  const auto view = [&](const std::string& label) {
    return PassView{reporter, label, options.workers};
  };
  read_ahead(*first.step, input,
             {.pass = view(first.label + ", reading"), .scratch = options.folder});
  for (size_t i = options.plan.begin + 1; i < options.plan.end; ++i)
    steps[i].step->prepare({.scratch = options.folder, .workers = options.workers});
  const Chain chain(chain_of(steps, options.plan), {.rows_are_known = true});
  StageResult result;
  result.judged = judge_all(chain, input, options, view(label_of(steps, options.plan)));
  const auto order = first.step->order();
  if (order) {
    const auto ordered =
        reorder(result.judged, *order,
                {.folder = options.folder,
                 .shard = [&](size_t i) { return shard_of(options, "ordered", i); }},
                view(first.label + ", ordering"));
    for (const auto& shard : ordered) result.shards.push_back(with_count(shard));
    result.is_ordered = true;
  } else {
    result.shards = result.judged;
  }
  result.summary = first.step->summary();
  write_file_atomic(marker_of(options), dump_json({{"is_ordered", result.is_ordered},
                                                   {"shards", result.shards.size()},
                                                   {"summary", result.summary}}));
  for (const auto& shard : input) shard.shard.remove_rows();
  if (result.is_ordered) {
    for (const auto& shard : result.judged) shard.shard.remove_rows();
  }
  return result;
}

}  // namespace tunewright::corpus

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <mutex>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/generate/continue_prompt.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/tensors.h"
#include "tunewright/ops/ops.h"
#include "tunewright/ops/side_by_side.h"

//   N tokens of a batch, M scored tokens, D hidden size
namespace tunewright::model {
namespace {

constexpr int64_t kBatchTokens = 2048, kMostGroupsAtOnce = 8;
constexpr int64_t kShortestTrunk = 16;  // a shorter one is not worth the calls that it costs

// The last token of a sequence is only predicted, never read.
int64_t read_size(const ScoreRequest& request) {
  return static_cast<int64_t>(request.ids.size()) - 1;
}

bool has_scored_tokens(const ScoreRequest& request) { return request.from <= read_size(request); }

void check(const CausalLm& model, const ScoreRequest& request) {
  TUNEWRIGHT_ASSERT(request.from >= 1);
  if (read_size(request) > model.max_positions()) {
    throw UserError(str("the text has ", request.ids.size(), " tokens, and the model has ",
                        model.max_positions(), " positions; score it in pieces"));
  }
}

// Neighbours that begin alike, as the answers to one question do: what they share is read once.
struct Family {
  std::span<const ScoreRequest> requests;
  int64_t shared = 0;  // tokens, the trunk's included

  int64_t read_tokens(int64_t trunk) const {
    int64_t tokens = shared - trunk;
    for (const auto& request : requests) tokens += read_size(request) - shared;
    return tokens;
  }
};

// What both read; the scored tokens of each begin behind it.
int64_t shared_tokens(const ScoreRequest& a, const ScoreRequest& b) {
  const auto most = std::min({a.from, b.from, read_size(a), read_size(b)});
  return std::mismatch(a.ids.begin(), a.ids.begin() + most, b.ids.begin()).first - a.ids.begin();
}

// How many tokens all requests begin with (instructions, examples): read once for each group.
int64_t find_trunk(std::span<const ScoreRequest> requests) {
  const ScoreRequest *first = nullptr, *last = nullptr;
  int64_t trunk = 0;
  for (const auto& request : requests) {
    if (!has_scored_tokens(request)) continue;
    trunk = first ? std::min(trunk, shared_tokens(*first, request)) : read_size(request);
    if (!first) first = &request;
    last = &request;
  }
  return first == last || trunk < kShortestTrunk ? 0 : trunk;  // one alone shares with nobody
}

std::vector<Family> find_families(std::span<const ScoreRequest> requests, int64_t trunk) {
  std::vector<Family> families;
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto& request = requests[i];
    if (!has_scored_tokens(request)) continue;
    if (!families.empty() && families.back().requests.end() == requests.begin() + i) {
      auto& last = families.back();
      const Family joined{requests.subspan(i - last.requests.size(), last.requests.size() + 1),
                          std::min(last.shared, shared_tokens(last.requests.front(), request))};
      const bool is_near = 2 * (joined.shared - trunk) >= read_size(request) - trunk;
      if (is_near && joined.read_tokens(trunk) <= kBatchTokens) {
        last = joined;
        continue;
      }
    }
    families.push_back({requests.subspan(i, 1), read_size(request)});
  }
  return families;
}

// The families, longest first, cut into groups of about kBatchTokens tokens.
std::vector<std::vector<Family>> deal(std::vector<Family> families, int64_t trunk) {
  std::ranges::stable_sort(families, std::greater{}, &Family::shared);
  std::vector<std::vector<Family>> groups;
  int64_t room = 0;
  for (const auto& family : families) {
    const auto tokens = family.read_tokens(trunk);
    if (groups.empty() || tokens > room) {
      groups.emplace_back();
      room = kBatchTokens;
    }
    groups.back().push_back(family);
    room -= tokens;
  }
  return groups;
}

struct ScoreBatch {
  std::vector<int32_t> ids, positions;  // [N]
  std::vector<int32_t> labels, rows;    // [M]: row is the token that predicts the label
  std::vector<int64_t> offsets = {0}, continues;

  // Laid out as the trunk, what each family shares behind it, and the rest of each request.
  ScoreBatch(std::span<const Family> families, int64_t trunk) : trunk_(trunk) {
    if (trunk > 0) add_sequence(families.front().requests.front(), 0, trunk);
    std::vector<Stem> stems;
    for (const auto& family : families) stems.push_back(add_stem(family));
    for (size_t i = 0; i < families.size(); ++i) {
      for (const auto& request : families[i].requests) add_rest(request, stems[i]);
    }
  }

 private:
  struct Stem {            // what a family shares
    int64_t shared = 0;    // tokens, the trunk's included
    int64_t sequence = 0;  // that its requests go on from
    int64_t begin = 0;     // where those behind the trunk begin
  };

  Stem add_stem(const Family& family) {
    Stem stem{.shared = family.shared, .begin = offsets.back()};
    if (family.shared == trunk_) return stem;
    stem.sequence = std::ssize(offsets) - 1;
    add_sequence(family.requests.front(), trunk_, family.shared);
    if (trunk_ > 0) continues.push_back(0);
    return stem;
  }

  void add_sequence(const ScoreRequest& request, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      ids.push_back(request.ids[static_cast<size_t>(i)]);
      positions.push_back(static_cast<int32_t>(i));
    }
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }

  void add_rest(const ScoreRequest& request, const Stem& stem) {
    const auto rest = offsets.back();
    if (stem.shared < read_size(request)) {
      add_sequence(request, stem.shared, read_size(request));
      continues.push_back(stem.sequence);
    }
    for (int64_t i = request.from - 1; i < read_size(request); ++i) {
      const auto row = i < trunk_        ? i
                       : i < stem.shared ? stem.begin + i - trunk_
                                         : rest + i - stem.shared;
      rows.push_back(static_cast<int32_t>(row));
      labels.push_back(request.ids[static_cast<size_t>(i) + 1]);
    }
  }

  int64_t trunk_;
};

ops::LabelScores run(CausalLm& model, const ScoreBatch& batch) {
  const auto device = model.head().device();
  const auto scored = model.hidden({.ids = ids_tensor(batch.ids, device),
                                    .positions = ids_tensor(batch.positions, device),
                                    .offsets = batch.offsets,
                                    .continues = batch.continues,
                                    .wanted = ids_tensor(batch.rows, device)});  // [M, D]
  const auto scores = ops::label_scores(scored, model.head(), ids_tensor(batch.labels, device));
  return {scores.logprobs.to(at::kCPU).contiguous(), scores.is_argmax.to(at::kCPU).contiguous()};
}

// Groups are computed side by side, each on its share of the threads: then none waits for another.
int64_t groups_at_once(const CausalLm& model, size_t groups, bool one_thread_each) {
  if (!model.head().is_cpu()) return 1;
  if (one_thread_each) return at::get_num_threads();
  return std::min<int64_t>(
      {at::get_num_threads(), kMostGroupsAtOnce, static_cast<int64_t>(groups)});
}

// Each sequence alone.
std::vector<std::vector<Family>> set_apart(std::span<const ScoreRequest> requests) {
  std::vector<std::vector<Family>> groups;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (has_scored_tokens(requests[i]))
      groups.push_back({{requests.subspan(i, 1), read_size(requests[i])}});
  }
  return groups;
}

}  // namespace

std::vector<ScoredSequence> score(CausalLm& model, std::span<const ScoreRequest> requests,
                                  const ScoreOptions& options) {
  for (const auto& request : requests) check(model, request);
  model.set_training(false, 0);
  std::vector<ScoredSequence> sequences(requests.size());
  const auto trunk = options.deterministic ? 0 : find_trunk(requests);
  const auto score_group = [&](const std::vector<Family>& group) {
    const c10::NoGradGuard no_grad;
    const auto scores = run(model, ScoreBatch(group, trunk));
    const float* logprob = scores.logprobs.const_data_ptr<float>();
    const bool* is_argmax = scores.is_argmax.const_data_ptr<bool>();
    for (const auto& family : group) {
      for (const auto& request : family.requests) {
        const auto count = request.ids.size() - static_cast<size_t>(request.from);
        auto& sequence = sequences[static_cast<size_t>(&request - requests.data())];
        sequence.logprobs.assign(logprob, logprob + count);
        if (std::ranges::any_of(sequence.logprobs, [](float one) { return std::isnan(one); }))
          fail_not_finite();
        sequence.is_greedy = std::all_of(is_argmax, is_argmax + count, std::identity{});
        logprob += count;
        is_argmax += count;
      }
    }
  };
  std::mutex listening;
  const auto report = [&](const std::vector<Family>& group) {
    if (!options.on_scored) return;
    const std::scoped_lock lock(listening);
    for (const auto& family : group) {
      for (const auto& request : family.requests) {
        const auto at = static_cast<size_t>(&request - requests.data());
        options.on_scored(at, sequences[at]);
      }
    }
  };
  const auto groups =
      options.deterministic ? set_apart(requests) : deal(find_families(requests, trunk), trunk);
  std::atomic<size_t> next = 0;
  ops::side_by_side(groups_at_once(model, groups.size(), options.deterministic), [&](int64_t) {
    for (size_t i = next++; i < groups.size(); i = next++) {
      score_group(groups[i]);
      report(groups[i]);
    }
  });
  return sequences;
}

std::vector<ScoredSequence> score(CausalLm& model, std::span<const ScoreRequest> requests,
                                  const std::function<void(int64_t done)>& on_progress) {
  int64_t done = 0;
  const auto count = [&](size_t, const ScoredSequence&) { on_progress(++done); };
  return score(
      model, requests,
      ScoreOptions{.on_scored = on_progress ? decltype(ScoreOptions::on_scored)(count) : nullptr});
}

}  // namespace tunewright::model

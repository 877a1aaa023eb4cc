#include <c10/core/GradMode.h>

#include <algorithm>
#include <functional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/tensors.h"
#include "tunewright/ops/ops.h"

//   N tokens of a batch, M scored tokens, D hidden size
namespace tunewright::model {
namespace {

constexpr int64_t kBatchTokens = 4096;

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

// Indices of the requests, longest first, cut into groups of about kBatchTokens tokens.
std::vector<std::vector<size_t>> deal(std::span<const ScoreRequest> requests) {
  std::vector<size_t> order;
  for (size_t i = 0; i < requests.size(); ++i) {
    if (has_scored_tokens(requests[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return requests[i].ids.size(); });
  std::vector<std::vector<size_t>> groups;
  int64_t room = 0;
  for (const size_t i : order) {
    if (groups.empty() || read_size(requests[i]) > room) {
      groups.emplace_back();
      room = kBatchTokens;
    }
    groups.back().push_back(i);
    room -= read_size(requests[i]);
  }
  return groups;
}

struct ScoreBatch {
  std::vector<int32_t> ids, positions, labels,
      rows;  // [N], [N], [M], [M]: token that predicts the label
  std::vector<int64_t> offsets = {0};

  void add(const ScoreRequest& request) {
    const auto base = static_cast<int32_t>(ids.size());
    for (int32_t i = 0; i < read_size(request); ++i) {
      ids.push_back(request.ids[static_cast<size_t>(i)]);
      positions.push_back(i);
      if (i + 1 < request.from) continue;
      rows.push_back(base + i);
      labels.push_back(request.ids[static_cast<size_t>(i) + 1]);
    }
    offsets.push_back(static_cast<int64_t>(ids.size()));
  }
};

ops::LabelScores run(CausalLm& model, const ScoreBatch& batch) {
  const auto device = model.head().device();
  const auto hidden = model.hidden({ids_tensor(batch.ids, device),
                                    ids_tensor(batch.positions, device), batch.offsets});  // [N, D]
  const auto scored = hidden.index_select(0, ids_tensor(batch.rows, device));              // [M, D]
  const auto scores = ops::label_scores(scored, model.head(), ids_tensor(batch.labels, device));
  return {scores.logprobs.to(at::kCPU).contiguous(), scores.is_argmax.to(at::kCPU).contiguous()};
}

}  // namespace

std::vector<ScoredSequence> score(CausalLm& model, std::span<const ScoreRequest> requests,
                                  const std::function<void(int64_t done)>& on_progress) {
  for (const auto& request : requests) check(model, request);
  const c10::NoGradGuard no_grad;
  model.set_training(false, 0);
  std::vector<ScoredSequence> sequences(requests.size());
  int64_t done = 0;
  for (const auto& group : deal(requests)) {
    ScoreBatch batch;
    for (const size_t i : group) batch.add(requests[i]);
    const auto scores = run(model, batch);
    const float* logprob = scores.logprobs.const_data_ptr<float>();
    const bool* is_argmax = scores.is_argmax.const_data_ptr<bool>();
    for (const size_t i : group) {
      const auto count = requests[i].ids.size() - static_cast<size_t>(requests[i].from);
      sequences[i].logprobs.assign(logprob, logprob + count);
      sequences[i].is_greedy = std::all_of(is_argmax, is_argmax + count, std::identity{});
      logprob += count;
      is_argmax += count;
    }
    done += static_cast<int64_t>(group.size());
    if (on_progress) on_progress(done);
  }
  return sequences;
}

}  // namespace tunewright::model

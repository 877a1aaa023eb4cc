#include "tunewright/ops/attention_cpu.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "tunewright/ops/kernels.h"

//   C key heads of a task, G query heads of each, T queries of a block, L tokens of a span, S keys
//   that a block sees
namespace tunewright::ops::cpu {
namespace {

// Queries of a block: few enough that little is computed above the diagonal, enough rows (times G)
// for a matrix product; and no more scores than the second cache holds.
constexpr int64_t kMostQueries = 32, kFewestQueries = 8;
constexpr int64_t kScoreNumbers = 256 << 10;

// Queries [begin, end) of the packed tokens and the keys [key_begin, end) that one of them sees.
struct Block {
  int64_t begin, end, key_begin;
  int64_t queries() const { return end - begin; }
  int64_t keys() const { return end - key_begin; }
};

// What belongs to the tokens [first, last) of a span and some of its key heads.
struct Task {
  int64_t first, last;
  int64_t head, heads;
};

// Keys that a query sees at most.
int64_t most_seen(int64_t length, int64_t window) {
  return std::max<int64_t>(window > 0 ? std::min(length, window + kMostQueries) : length, 1);
}

// A thread alone takes several heads at a time where their scores are few; else a head is a task.
std::vector<Task> tasks_of(const Spans& spans, int64_t key_heads, int64_t group) {
  std::vector<Task> tasks;
  for (size_t i = 0; i + 1 < spans.offsets.size(); ++i) {
    const int64_t first = spans.offsets[i], last = spans.offsets[i + 1];
    const int64_t scores = group * kMostQueries * most_seen(last - first, spans.window);
    const int64_t step =
        at::get_num_threads() > 1 ? 1 : std::clamp<int64_t>(kScoreNumbers / scores, 1, key_heads);
    for (int64_t head = 0; head < key_heads; head += step)
      tasks.push_back({first, last, head, std::min(step, key_heads - head)});
  }
  return tasks;
}

std::vector<Block> blocks_of(const Task& task, int64_t window, int64_t group) {
  const int64_t scores_of_query = task.heads * group * most_seen(task.last - task.first, window);
  const int64_t queries = std::clamp(kScoreNumbers / scores_of_query, kFewestQueries, kMostQueries);
  std::vector<Block> blocks;
  for (int64_t begin = task.first; begin < task.last; begin += queries) {
    const int64_t key_begin = window > 0 ? std::max(task.first, begin - window + 1) : task.first;
    blocks.push_back({begin, std::min(begin + queries, task.last), key_begin});
  }
  return blocks;
}

// Calls body(scores of a row, visible scores [from, to), row) for the rows [C, G, T] of a block;
// the other scores become 0.
template <class Body>
void for_rows(const Block& block, int64_t window, at::Tensor& scores, const Body& body) {
  const int64_t T = block.queries(), S = block.keys(), rows = scores.numel() / S;
  float* numbers = scores.mutable_data_ptr<float>();
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t to = block.begin + row % T - block.key_begin + 1;
    const int64_t from = window > 0 ? std::max<int64_t>(to - window, 0) : 0;
    float* scores_of_row = numbers + row * S;
    std::fill(scores_of_row, scores_of_row + from, 0.0f);
    std::fill(scores_of_row + to, scores_of_row + S, 0.0f);
    body(scores_of_row, from, to, row);
  }
}

// The tensors of one call, as its tasks see them.
class Heads {
 public:
  Heads(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale)
      : q_(q), k_(k), v_(v), scale_(scale), group_(q.size(1) / k.size(1)) {}

  int64_t group() const { return group_; }
  int64_t width() const { return q_.size(2); }

  // Rows [C * G, T] of a tensor [N, H, E] or [N, H]: a view.
  at::Tensor rows_of(const at::Tensor& x, const Task& task, const Block& block) const {
    return x.slice(0, block.begin, block.end)
        .narrow(1, task.head * group_, task.heads * group_)
        .transpose(0, 1);
  }
  // The same in float32, one row after the other: [C, G * T, E].
  at::Tensor gathered(const at::Tensor& x, const Task& task, const Block& block) const {
    auto rows = at::empty({task.heads, group_ * block.queries(), width()}, at::kFloat);
    rows.view({task.heads * group_, block.queries(), width()}).copy_(rows_of(x, task, block));
    return rows;
  }
  void scatter(const at::Tensor& x, const Task& task, const Block& block,
               const at::Tensor& rows) const {
    rows_of(x, task, block).copy_(rows.view({task.heads * group_, block.queries(), width()}));
  }
  at::Tensor queries(const Task& task, const Block& block) const {  // scaled
    return gathered(q_, task, block).mul_(scale_);
  }

  // Of a task: [C, L, E] float32.
  at::Tensor keys(const Task& task) const { return of_task(k_, task).to(at::kFloat); }
  at::Tensor values(const Task& task) const { return of_task(v_, task).to(at::kFloat); }
  static at::Tensor of_task(const at::Tensor& x, const Task& task) {
    return x.slice(0, task.first, task.last).narrow(1, task.head, task.heads).transpose(0, 1);
  }
  // The rows of a task's tensor [C, L, E] that a block sees.
  static at::Tensor seen(const at::Tensor& x, const Task& task, const Block& block) {
    return x.slice(1, block.key_begin - task.first, block.end - task.first);
  }

 private:
  const at::Tensor &q_, &k_, &v_;
  double scale_;
  int64_t group_;
};

template <class Body>
void for_tasks(const Spans& spans, int64_t key_heads, int64_t group, const Body& body) {
  const auto tasks = tasks_of(spans, key_heads, group);
  at::parallel_for(0, std::ssize(tasks), 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard no_grad;  // of this thread
    for (int64_t i = begin; i < end; ++i) body(tasks[static_cast<size_t>(i)]);
  });
}

}  // namespace

Attention attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const Spans& spans) {
  const Heads heads(q, k, v, spans.scale);
  const Attention result{at::empty(q.sizes(), q.options()),
                         at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat))};
  for_tasks(spans, k.size(1), heads.group(), [&](const Task& task) {
    const auto keys = heads.keys(task), values = heads.values(task);
    for (const auto& block : blocks_of(task, spans.window, heads.group())) {
      auto scores = at::bmm(heads.queries(task, block),
                            Heads::seen(keys, task, block).transpose(1, 2));  // [C, G * T, S]
      auto normaliser = at::empty({task.heads * heads.group(), block.queries()}, at::kFloat);
      for_rows(block, spans.window, scores,
               [&](float* row_scores, int64_t from, int64_t to, int64_t row) {
                 normaliser.mutable_data_ptr<float>()[row] =
                     kernels::softmax_row(row_scores + from, to - from);
               });
      heads.scatter(result.out, task, block, at::bmm(scores, Heads::seen(values, task, block)));
      heads.rows_of(result.normaliser, task, block).copy_(normaliser);
    }
  });
  return result;
}

AttentionGradients attention_gradients(const at::Tensor& dout, const at::Tensor& q,
                                       const at::Tensor& k, const at::Tensor& v,
                                       const Attention& forward, const Spans& spans) {
  const Heads heads(q, k, v, spans.scale);
  const AttentionGradients result{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  for_tasks(spans, k.size(1), heads.group(), [&](const Task& task) {
    const auto keys = heads.keys(task), values = heads.values(task);
    const auto dkeys = at::zeros(keys.sizes(), at::kFloat),
               dvalues = at::zeros(keys.sizes(), at::kFloat);
    for (const auto& block : blocks_of(task, spans.window, heads.group())) {
      const auto seen_keys = Heads::seen(keys, task, block);
      const auto queries = heads.queries(task, block);
      const auto drows = heads.gathered(dout, task, block);
      const auto projection = at::mul(drows, heads.gathered(forward.out, task, block)).sum(-1);
      const auto normaliser =
          heads.rows_of(forward.normaliser, task, block).contiguous();  // [C * G, T]
      auto weights = at::bmm(queries, seen_keys.transpose(1, 2));       // scores, at first
      auto dscores = at::bmm(drows, Heads::seen(values, task, block).transpose(1, 2));
      for_rows(block, spans.window, weights,
               [&](float* row_weights, int64_t from, int64_t to, int64_t row) {
                 kernels::scaled_exp_row(row_weights + from, to - from,
                                         normaliser.const_data_ptr<float>()[row], 1.0f);
               });
      for_rows(block, spans.window, dscores,
               [&](float* row_dscores, int64_t from, int64_t to, int64_t row) {
                 kernels::softmax_backward_row(
                     weights.const_data_ptr<float>() + row * block.keys() + from,
                     row_dscores + from, to - from, projection.const_data_ptr<float>()[row]);
               });
      Heads::seen(dvalues, task, block).baddbmm_(weights.transpose(1, 2), drows);
      Heads::seen(dkeys, task, block).baddbmm_(dscores.transpose(1, 2), queries);
      heads.scatter(result.q, task, block, at::bmm(dscores, seen_keys).mul_(spans.scale));
    }
    Heads::of_task(result.k, task).copy_(dkeys);
    Heads::of_task(result.v, task).copy_(dvalues);
  });
  return result;
}

}  // namespace tunewright::ops::cpu

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>

#include "tunewright/base/error.h"
#include "tunewright/model/generate/continue_prompt.h"
#include "tunewright/model/generate/tensors.h"
#include "tunewright/ops/side_by_side.h"

//   S answers that are being written, N tokens of a pass, D hidden size, V vocabulary
namespace tunewright::model {
namespace {

using Prompts = std::span<const std::vector<int32_t>>;

constexpr int64_t kReadTokens = 1024;      // of prompts, in one pass beside what is being written
constexpr size_t kFewestSharedTokens = 8;  // worth a pass of their own

// What is asked, and what may be written.
struct Work {
  CausalLm& model;
  Prompts prompts;
  std::span<const int32_t> stop_ids;
  const BatchOptions& options;

  int64_t limit(size_t prompt) const {
    const auto& own = options.max_new_tokens;
    const auto wanted = own.empty() ? options.sampling.max_new_tokens : own[prompt];
    return std::min(wanted, model.max_positions() - std::ssize(prompts[prompt]));
  }
  SamplingOptions sampling(size_t prompt) const {
    auto sampling = options.sampling;
    sampling.max_new_tokens = limit(prompt);
    sampling.seed += prompt;
    return sampling;
  }
  std::span<const int32_t> watched(size_t prompt) const {
    if (options.watched.empty()) return {};
    return options.watched[prompt];
  }
  bool stops(int32_t id) const { return std::ranges::find(stop_ids, id) != stop_ids.end(); }
  bool greedy() const {
    return options.sampling.temperature == 0 && options.sampling.repetition_penalty == 1;
  }
};

void check(const Work& work) {
  const auto& own = work.options.max_new_tokens;
  TUNEWRIGHT_ASSERT(own.empty() || own.size() == work.prompts.size());
  TUNEWRIGHT_ASSERT(work.options.watched.empty() ||
                    work.options.watched.size() == work.prompts.size());
  TUNEWRIGHT_ASSERT(work.options.most_rows > 0);
  work.options.sampling.validate();
  for (const auto& prompt : work.prompts) check_room(work.model, prompt.size());
}

// What all prompts begin with, as far as every one of them goes on after it.
size_t shared_tokens(Prompts prompts) {
  if (prompts.size() < 2) return 0;
  const auto& first = prompts.front();
  size_t shared = first.size() - 1;
  for (const auto& prompt : prompts.subspan(1)) {
    const size_t most = std::min(shared, prompt.size() - 1);
    shared = static_cast<size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<ptrdiff_t>(most), prompt.begin())
            .first -
        first.begin());
  }
  return shared < kFewestSharedTokens ? 0 : shared;
}

// A place where one answer after the other is written.
struct Row {
  size_t prompt = 0;
  bool busy = false;
  KvCache cache;
  std::vector<int32_t> context;  // prompt and answer; what the cache lacks is not read yet
  Generation answer;
  int64_t limit = 0;
  std::optional<Random> random;

  std::span<const int32_t> unread() const {
    return std::span<const int32_t>(context).subspan(static_cast<size_t>(cache.length()));
  }
  // Tokens that its cache will hold.
  int64_t reserved() const {
    return busy ? std::ssize(context) - std::ssize(answer.ids) + limit : 0;
  }
};

class BatchDecoder {
 public:
  explicit BatchDecoder(const Work& work) : work_(work), answers_(work.prompts.size()) {}

  std::vector<Generation> run() {
    const c10::NoGradGuard no_grad;
    work_.model.set_training(false, 0);
    read_shared_tokens();
    while (start_answers()) write_tokens();
    return std::move(answers_);
  }

 private:
  void read_shared_tokens() {
    const auto shared = shared_tokens(work_.prompts);
    if (shared == 0) return;
    const auto ids = std::span(work_.prompts.front()).first(shared);
    work_.model.hidden_cached(ids_tensor(ids, work_.model.head().device()), shared_);
  }

  // Gives the free rows prompts, as far as one pass and the memory go; false when all is written.
  bool start_answers() {
    int64_t unread = 0;
    while (next_ < work_.prompts.size() && unread < kReadTokens) {
      Row* row = free_row();
      if (!row) break;
      start(*row);
      if (row->busy) unread += std::ssize(row->unread());
    }
    return std::ranges::any_of(rows_, &Row::busy);
  }

  Row* free_row() {
    int64_t reserved = std::ssize(work_.prompts[next_]) + work_.limit(next_);
    for (const auto& row : rows_) reserved += row.reserved();
    const bool first = std::ranges::none_of(rows_, &Row::busy);
    const auto bytes = reserved * work_.model.cache_bytes_per_token();
    if (!first && bytes > work_.options.cache_bytes) return nullptr;
    const auto free = std::ranges::find(rows_, false, &Row::busy);
    if (free != rows_.end()) return &*free;
    if (std::ssize(rows_) == work_.options.most_rows) return nullptr;
    return &rows_.emplace_back();
  }

  void start(Row& row) {
    row.prompt = next_++;
    const auto& prompt = work_.prompts[row.prompt];
    const auto sampling = work_.sampling(row.prompt);
    row.busy = true;
    row.cache.assign(shared_, shared_.length());
    row.context.assign(prompt.begin(), prompt.end());
    row.answer = {};
    row.limit = sampling.max_new_tokens;
    row.random.emplace(sampling.seed, stream_id("sampling"));
    if (row.limit <= 0) finish(row, FinishReason::kLength);
  }

  void write_tokens() {
    std::vector<Row*> rows;
    std::vector<int32_t> ids;
    CachedBatch batch{.ids = {}, .offsets = {0}, .caches = {}};
    for (auto& row : rows_) {
      if (!row.busy) continue;
      const auto unread = row.unread();
      ids.insert(ids.end(), unread.begin(), unread.end());
      batch.offsets.push_back(std::ssize(ids));
      batch.caches.push_back(&row.cache);
      rows.push_back(&row);
    }
    if (rows.empty()) return;
    batch.ids = ids_tensor(ids, work_.model.head().device());
    const auto logits = work_.model.logits(work_.model.hidden_cached(batch));  // [S, V]
    for (size_t i = 0; i < rows.size(); ++i) watch(*rows[i], logits[static_cast<int64_t>(i)]);
    const auto tokens = choose(logits, rows);
    for (size_t i = 0; i < rows.size(); ++i) accept(*rows[i], tokens[i]);
  }

  void watch(Row& row, const at::Tensor& logits) {
    if (row.answer.ids.empty()) row.answer.watched = logits_of(logits, work_.watched(row.prompt));
  }

  std::vector<int32_t> choose(const at::Tensor& logits, const std::vector<Row*>& rows) {
    std::vector<int32_t> tokens;
    if (work_.greedy()) {
      const auto [most, ids] = logits.max(-1);
      const auto best =
          at::stack({most.to(at::kDouble), ids.to(at::kDouble)}).to(at::kCPU);  // [2, S], one wait
      const double* values = best.const_data_ptr<double>();
      for (size_t i = 0; i < rows.size(); ++i) {
        if (std::isnan(values[i])) fail_not_finite();
        tokens.push_back(static_cast<int32_t>(values[rows.size() + i]));
      }
      return tokens;
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      tokens.push_back(sample(logits[static_cast<int64_t>(i)], rows[i]->context,
                              work_.options.sampling, *rows[i]->random));
    }
    return tokens;
  }

  void accept(Row& row, int32_t token) {
    if (work_.stops(token)) return finish(row, FinishReason::kStop);
    row.context.push_back(token);
    row.answer.ids.push_back(token);
    const auto& listener = work_.options.on_token;
    if (listener && !listener(row.prompt, token)) return finish(row, FinishReason::kStop);
    if (std::ssize(row.answer.ids) >= row.limit) finish(row, FinishReason::kLength);
  }

  void finish(Row& row, FinishReason reason) {
    row.busy = false;
    row.cache = {};
    row.answer.finish = reason;
    answers_[row.prompt] = std::move(row.answer);
    if (work_.options.on_answer) work_.options.on_answer(row.prompt, answers_[row.prompt]);
  }

  const Work& work_;
  std::vector<Generation> answers_;
  std::vector<Row> rows_;
  KvCache shared_;
  size_t next_ = 0;
};

// An answer a thread, each operation on that thread alone.
std::vector<Generation> answer_apart(const Work& work) {
  work.model.set_training(false, 0);
  std::vector<Generation> answers(work.prompts.size());
  std::mutex listening;
  std::atomic<size_t> next = 0;
  const int64_t at_once = work.model.head().is_cpu() ? at::get_num_threads() : 1;
  ops::side_by_side(at_once, [&](int64_t) {
    for (size_t i = next++; i < answers.size(); i = next++) {
      const auto listener = [&](int32_t id) {
        const std::scoped_lock lock(listening);
        return work.options.on_token(i, id);
      };
      answers[i] =
          continue_prompt(work.model, work.prompts[i], work.stop_ids, work.sampling(i),
                          work.options.on_token ? std::function<bool(int32_t)>(listener) : nullptr,
                          nullptr, work.watched(i));
      const std::scoped_lock lock(listening);
      if (work.options.on_answer) work.options.on_answer(i, answers[i]);
    }
  });
  return answers;
}

}  // namespace

std::vector<Generation> generate_batch(CausalLm& model, Prompts prompts,
                                       std::span<const int32_t> stop_ids,
                                       const BatchOptions& options) {
  const Work work{model, prompts, stop_ids, options};
  check(work);
  if (prompts.empty()) return {};
  return options.deterministic ? answer_apart(work) : BatchDecoder(work).run();
}

}  // namespace tunewright::model

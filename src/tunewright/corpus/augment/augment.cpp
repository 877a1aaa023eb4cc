#include "tunewright/corpus/augment/augment.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/augment/edits.h"
#include "tunewright/corpus/augment/text_roles.h"
#include "tunewright/corpus/field_value.h"

namespace tunewright::corpus {
namespace {

constexpr const char* kTextMark = "{text}";

const char* name_of_method(AugmentMethod method) {
  for (const auto& [name, value] : kAugmentNames) {
    if (value == method) return name;
  }
  throw InternalError("a method without a name");
}

std::string translation_prompt(const std::string& from, const std::string& to,
                               const std::string& text) {
  return str("Translate the following text from ", from, " to ", to,
             ". Answer with the translation alone.\n\n", text);
}

}  // namespace

struct Augment::Tasks final : Notes {
  std::vector<Task> tasks;
};

struct Augment::Rewritten {
  std::string text;
  int64_t tokens_in = 0, tokens_out = 0, requests = 0, cached = 0;
};

Augment::Augment(const AugmentOptions& options) : options_(options) {
  const auto check = [](bool good, const char* name, auto got, const char* expected) {
    if (!good) throw UserError(str(name, ": expected ", expected, ", got ", got));
  };
  check(options.variants >= 1 && options.variants <= 1000, "variants", options.variants,
        "1 to 1000");
  check(options.rate >= 0 && options.rate <= 1, "rate", options.rate, "a share from 0 to 1");
  check(options.share >= 0 && options.share <= 1, "share", options.share, "a share from 0 to 1");
  check(options.concurrency >= 1 && options.concurrency <= 256, "concurrency", options.concurrency,
        "1 to 256");
  check(options.budget_tokens >= 0, "budget_tokens", options.budget_tokens, "0 or more");
  check(options.chat.max_tokens >= 1, "max_tokens", options.chat.max_tokens, "1 or more");
  check(options.chat.retries >= 0 && options.chat.retries <= 100, "retries", options.chat.retries,
        "0 to 100");
  check(options.chat.timeout_seconds >= 1, "timeout_seconds", options.chat.timeout_seconds,
        "1 or more");
  check(options.budget_cost >= 0, "budget_cost", options.budget_cost, "0 or more");
  check(options.price_in >= 0 && options.price_out >= 0, "price_in, price_out",
        std::min(options.price_in, options.price_out), "0 or more");
  check(options.budget_cost == 0 || options.price_in + options.price_out > 0, "budget_cost",
        options.budget_cost, "price_in and price_out with it");
  if (options.method == AugmentMethod::kSynonyms) wordnet_.emplace(options.wordnet);
  if (!asks_model()) return;
  if (options.prompt.find(kTextMark) == std::string::npos)
    throw UserError("prompt: expected {text} where the text belongs");
  chat_ = std::make_unique<ChatClient>(options.chat);
}

bool Augment::is_chosen(const Document& document, int64_t row) const {
  if (!options_.labels.empty()) {
    const auto label = name_in(document, options_.label_field);
    if (!label || std::ranges::find(options_.labels, *label) == options_.labels.end()) return false;
  }
  Random random(static_cast<uint64_t>(options_.seed), stream_id(str("augmented row ", row)));
  return random.uniform() < options_.share;
}

std::vector<size_t> Augment::places_of(const Document& document) const {
  std::vector<size_t> places;
  const auto inputs = options_.texts == AugmentedTexts::kAll
                          ? std::vector<bool>(document.texts().size(), true)
                          : are_inputs(document);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] && !trim(document.texts()[i]).empty()) places.push_back(i);
  }
  return places;
}

std::unique_ptr<Step::Notes> Augment::read(const Batch& batch) const {
  auto notes = std::make_unique<Tasks>();
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto& document = batch.documents[i];
    if (!is_chosen(document, batch.rows[i])) continue;
    for (int64_t variant = 0; variant < options_.variants; ++variant) {
      for (const auto place : places_of(document))
        notes->tasks.push_back({batch.rows[i], variant, place, document.texts()[place]});
    }
  }
  return notes;
}

void Augment::collect(std::unique_ptr<Notes> notes) {
  for (auto& task : dynamic_cast<Tasks&>(*notes).tasks) tasks_.push_back(std::move(task));
}

// The requests of a task; of a chain, the first, and the others around the answer before.
std::vector<std::string> Augment::prompts_of(const Task& task) const {
  if (options_.method == AugmentMethod::kParaphrase)
    return {replace_all(options_.prompt, kTextMark, task.text)};
  return {translation_prompt(options_.language, options_.pivot, task.text),
          translation_prompt(options_.pivot, options_.language, "")};
}

Augment::Rewritten Augment::rewrite(const Task& task) const {
  Rewritten result;
  for (const auto& prompt : prompts_of(task)) {
    const bool later = result.requests > 0;
    if (later && result.text.empty()) break;
    const auto answer =
        chat_->ask(later ? prompt + result.text : prompt, options_.seed + task.variant);
    result.text = answer.text;
    result.tokens_in += answer.prompt_tokens;
    result.tokens_out += answer.completion_tokens;
    result.cached += answer.cached ? 1 : 0;
    ++result.requests;
  }
  return result;
}

double Augment::cost_of(int64_t tokens_in, int64_t tokens_out) const {
  return (static_cast<double>(tokens_in) * options_.price_in +
          static_cast<double>(tokens_out) * options_.price_out) /
         1e6;
}

bool Augment::affords(const Share& more, const std::deque<Share>& under_way) const {
  Share sum = more;
  for (const auto& share : under_way) {
    sum.tokens += share.tokens;
    sum.cost += share.cost;
  }
  sum.tokens += tokens_in_ + tokens_out_;
  sum.cost += cost_of(tokens_in_, tokens_out_);
  return (options_.budget_tokens == 0 || sum.tokens <= options_.budget_tokens) &&
         (options_.budget_cost == 0 || sum.cost <= options_.budget_cost);
}

void Augment::take(const Task& task, const Rewritten& rewritten) {
  tokens_in_ += rewritten.tokens_in;
  tokens_out_ += rewritten.tokens_out;
  requests_ += rewritten.requests;
  cached_ += rewritten.cached;
  if (rewritten.text.empty()) {
    ++empty_;
  } else if (rewritten.text != task.text) {
    rewritten_[{task.row, task.variant}][task.place] = rewritten.text;
  }
}

// The most that a task may take.  A later request of a chain holds the answer before it.
Augment::Share Augment::most_of(const Task& task) const {
  Share most;
  const auto answer = options_.chat.max_tokens;
  const auto prompts = prompts_of(task);
  if (prompts.size() == 1 && chat_->has_cached(prompts.front(), options_.seed + task.variant))
    return most;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const auto asked = chat_->most_tokens_in(prompts[i]) + (i > 0 ? answer : 0);
    most.tokens += asked + answer;
    most.cost += cost_of(asked, answer);
  }
  return most;
}

// What is under way counts with the most that it may take, and a task waits for it where the budget
// might not do for both: so the budget is never passed, and which tasks it is enough for does not
// depend on how many run at a time.
void Augment::decide(Reporter& reporter) {
  OrderedWorkers<const Task*, Rewritten> workers(options_.concurrency,
                                                 [&](const Task*& task) { return rewrite(*task); });
  std::deque<Share> under_way;
  size_t taken = 0, next = 0;
  const auto take_oldest = [&] {
    under_way.pop_front();
    take(tasks_[taken++], workers.take());
    reporter.progress("augment", static_cast<int64_t>(taken), std::ssize(tasks_), "texts",
                      str(tokens_in_ + tokens_out_, " tokens"));
  };
  for (; next < tasks_.size(); ++next) {
    const auto most = most_of(tasks_[next]);
    while (!under_way.empty() && (workers.is_full() || !affords(most, under_way))) take_oldest();
    if (!affords(most, under_way)) break;
    under_way.push_back(most);
    workers.put(&tasks_[next]);
  }
  while (!under_way.empty()) take_oldest();
  reporter.finish_progress();
  unpaid_ = static_cast<int64_t>(tasks_.size() - next);
  if (unpaid_ > 0) {
    reporter.warn(str("augment: the budget is used up; ", unpaid_, " of ", tasks_.size(),
                      " texts are left without a variant"));
  }
  std::vector<Task>().swap(tasks_);
}

std::optional<std::string> Augment::edited(std::string_view text, int64_t row, int64_t variant,
                                           size_t place) const {
  Random random(static_cast<uint64_t>(options_.seed),
                stream_id(str("variant ", row, " ", variant, " ", place)));
  switch (options_.method) {
    case AugmentMethod::kSwap:
      return swap_words(text, options_.rate, random);
    case AugmentMethod::kDelete:
      return delete_words(text, options_.rate, random);
    case AugmentMethod::kSynonyms:
      return replace_by_synonyms(text, options_.rate, *wordnet_, random);
    case AugmentMethod::kTypos:
      return add_typos(text, options_.rate, random);
    case AugmentMethod::kParaphrase:
    case AugmentMethod::kBackTranslation:
      break;
  }
  const auto variants = rewritten_.find({row, variant});
  if (variants == rewritten_.end()) return std::nullopt;
  const auto it = variants->second.find(place);
  return it == variants->second.end() ? std::nullopt : std::optional(it->second);
}

Verdict Augment::judge(Document& document, int64_t row) const {
  Verdict verdict;
  if (!is_chosen(document, row)) return verdict;
  const auto places = places_of(document);
  std::string mark = name_of_method(options_.method);
  if (asks_model()) mark += ":" + options_.chat.model;
  for (int64_t variant = 0; variant < options_.variants; ++variant) {
    auto copy = document;
    bool different = false;
    for (const auto place : places) {
      auto text = edited(document.texts()[place], row, variant, place);
      if (!text) continue;
      copy.replace(place, std::move(*text));
      different = true;
    }
    copy.set_field("generated_by", mark);
    if (!different ||
        std::ranges::find(verdict.extra_lines, copy.line()) != verdict.extra_lines.end()) {
      ++unchanged_;
      continue;
    }
    verdict.extra_lines.push_back(copy.line());
    ++added_;
  }
  if (!verdict.extra_lines.empty()) verdict.reason = "augmented";
  return verdict;
}

Json Augment::summary() const {
  Json summary = {{"method", name_of_method(options_.method)},
                  {"added", added_.load()},
                  {"without_change", unchanged_.load()}};
  if (!asks_model()) return summary;
  summary["requests"] = requests_;
  summary["cached"] = cached_;
  summary["empty_answers"] = empty_;
  summary["over_budget"] = unpaid_;
  summary["tokens_in"] = tokens_in_;
  summary["tokens_out"] = tokens_out_;
  summary["cost"] = cost_of(tokens_in_, tokens_out_);
  return summary;
}

}  // namespace tunewright::corpus

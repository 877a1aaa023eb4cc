#include "tunewright/eval/items.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/stop_strings.h"
#include "tunewright/text/python_text.h"

namespace tunewright::eval {
namespace {

constexpr const char* kPart = "items";

using Side = text::python::Side;

// What stands before a text that has nothing before it.
int32_t prefix_token(const data::TextModel& text) {
  return text.tokenizer.special().bos.value_or(text.eos);
}

struct Pair {
  std::vector<int32_t> context, continuation;
};

Pair encode_after_messages(const Continuation& continuation, const data::TextModel& text) {
  return {data::prompt_ids(text, continuation.messages, Json(), Json::object()),
          text.tokenizer.encode(continuation.text)};
}

Pair encode_alone(const std::string& words, const data::TextModel& text) {
  auto ids = text.tokenizer.encode(words);
  const auto prefix = prefix_token(text);
  if (ids.empty() || ids.front() != prefix) return {{prefix}, std::move(ids)};
  return {{prefix}, {ids.begin() + 1, ids.end()}};
}

Pair encode_pair(const Continuation& continuation, const data::TextModel& text) {
  if (!continuation.messages.is_null()) return encode_after_messages(continuation, text);
  if (continuation.context.empty()) return encode_alone(continuation.text, text);
  const std::string context(text::python::strip(continuation.context, Side::Right));
  auto whole = text.encode_string(continuation.context + continuation.text);
  auto before = text.encode_string(context);
  const auto size = std::min(before.size(), whole.size());
  return {std::move(before), {whole.begin() + static_cast<ptrdiff_t>(size), whole.end()}};
}

using DescribeRow = std::function<std::string(size_t)>;

std::vector<EncodedContinuation> sequences_of(const Items& items, size_t row, const ItemRun& run,
                                              const DescribeRow& describe_row) {
  const auto limit = run.model.max_positions();
  const auto& item = items.items[row];
  if (items.kind == Items::Kind::kText) {
    return rolling_windows(run.text.encode_string(item.text), prefix_token(run.text), limit);
  }
  std::vector<EncodedContinuation> sequences;
  for (const auto& continuation : item.continuations) {
    sequences.push_back(encode(continuation, run.text, limit));
    const auto& [ids, from] = sequences.back();
    const auto tokens = std::ssize(ids) - from;
    if (tokens == 0) {
      throw UserError(str(describe_row(row), ": '", excerpt(continuation.text),
                          "' has no tokens of its own after its context; nothing can be scored"));
    }
    if (tokens > limit) {
      throw UserError(str(describe_row(row), ": '", excerpt(continuation.text), "' has ", tokens,
                          " tokens, and the model has ", limit, " positions; shorten it"));
    }
  }
  return sequences;
}

class ItemScorer {
 public:
  ItemScorer(const Items& items, const ItemRun& run, const DescribeRow& describe_row,
             const std::function<void(int64_t)>& on_done)
      : items_(items), run_(run), describe_row_(describe_row), on_done_(on_done) {}

  void score() {
    for (size_t row = 0; row < items_.items.size(); ++row) {
      if (run_.results.find(kPart, static_cast<int64_t>(row))) {
        ++done_;
      } else {
        ask(row);
      }
    }
    model::score(run_.model, requests_,
                 {.deterministic = run_.deterministic,
                  .on_scored = [this](size_t request, const model::ScoredSequence& scored) {
                    take(request, scored);
                  }});
  }

 private:
  void ask(size_t row) {
    const auto sequences = sequences_of(items_, row, run_, describe_row_);
    const Place place{row, results_.size()};
    auto& result = results_.emplace_back();
    left_.push_back(sequences.size());
    for (size_t i = 0; i < sequences.size(); ++i) {
      requests_.push_back({sequences[i].ids, sequences[i].from});
      places_.push_back({place.row, place.result, i});
      result.tokens += std::ssize(sequences[i].ids) - sequences[i].from;
    }
    result.continuations.resize(items_.kind == Items::Kind::kLikelihood ? sequences.size() : 0);
    if (sequences.empty()) finish(row, result);  // an empty text
  }

  void take(size_t request, const model::ScoredSequence& scored) {
    const auto& place = places_[request];
    auto& result = results_[place.result];
    double logprob = 0;
    for (const float one : scored.logprobs) logprob += double{one};
    if (items_.kind == Items::Kind::kText) {
      result.logprob += logprob;
    } else {
      result.continuations[place.sequence] = {logprob, scored.is_greedy};
    }
    if (--left_[place.result] == 0) finish(place.row, result);
  }

  void finish(size_t row, const ItemResult& result) {
    run_.results.add(kPart, static_cast<int64_t>(row), to_json(result));
    on_done_(++done_);
  }

  struct Place {
    size_t row, result;
    size_t sequence = 0;
  };
  const Items& items_;
  const ItemRun& run_;
  const DescribeRow& describe_row_;
  const std::function<void(int64_t)>& on_done_;
  std::vector<model::ScoreRequest> requests_;
  std::vector<Place> places_;  // of each request
  std::vector<ItemResult> results_;
  std::vector<size_t> left_;  // sequences of each result that are not scored yet
  int64_t done_ = 0;
};

// The prompt's end, with as many tokens as leave room for the answer.
std::vector<int32_t> prompt_of(const Items& items, size_t row, const ItemRun& run,
                               const DescribeRow& describe_row) {
  const auto room = run.model.max_positions() - items.max_new_tokens;
  if (room <= 0) {
    throw UserError(str(describe_row(row), ": an answer of up to ", items.max_new_tokens,
                        " tokens leaves no room in the model's ", run.model.max_positions(),
                        " positions; ask for fewer"));
  }
  auto ids = run.text.encode_string(items.items[row].text);
  if (ids.empty())
    throw UserError(str(describe_row(row), ": the prompt has no tokens; give it some text"));
  if (std::ssize(ids) > room) ids.erase(ids.begin(), ids.end() - room);
  return ids;
}

// lm-evaluation-harness cuts at each stop string in turn; the earliest of them all remains.
std::string before_stops(std::string answer, const std::vector<std::string>& stops) {
  for (const auto& stop : stops) {
    if (!stop.empty()) answer.resize(std::min(answer.find(stop), answer.size()));
  }
  return answer;
}

void write_answers(const Items& items, const ItemRun& run, const DescribeRow& describe_row,
                   const std::function<void(int64_t)>& on_done) {
  std::vector<std::vector<int32_t>> prompts;
  std::vector<size_t> rows;
  for (size_t row = 0; row < items.items.size(); ++row) {
    if (run.results.find(kPart, static_cast<int64_t>(row))) continue;
    prompts.push_back(prompt_of(items, row, run, describe_row));
    rows.push_back(row);
  }
  auto done = static_cast<int64_t>(items.items.size() - rows.size());
  std::vector<std::unique_ptr<text::StreamDecoder>> decoders;
  decoders.reserve(rows.size());
  std::vector<model::StopStrings> stops(rows.size(), model::StopStrings(items.stops));
  for (size_t i = 0; i < rows.size(); ++i)
    decoders.push_back(std::make_unique<text::StreamDecoder>(run.text.tokenizer));
  model::BatchOptions options{.sampling = {.max_new_tokens = items.max_new_tokens},
                              .deterministic = run.deterministic};
  options.on_token = [&](size_t i, int32_t id) {
    check_stop();
    stops[i].put(decoders[i]->put(id));
    return !stops[i].found();
  };
  options.on_answer = [&](size_t i, const model::Generation& generation) {
    const ItemResult result{
        .answer = before_stops(run.text.tokenizer.decode(generation.ids, true), items.stops)};
    run.results.add(kPart, static_cast<int64_t>(rows[i]), to_json(result));
    on_done(++done);
  };
  model::generate_batch(run.model, prompts, run.text.stop_ids, options);
}

}  // namespace

EncodedContinuation encode(const Continuation& continuation, const data::TextModel& text,
                           int64_t max_positions) {
  auto [context, words] = encode_pair(continuation, text);
  EncodedContinuation encoded;
  encoded.ids = std::move(context);
  encoded.ids.insert(encoded.ids.end(), words.begin(), words.end());
  const auto surplus = std::ssize(encoded.ids) - (max_positions + 1);
  if (surplus > 0) encoded.ids.erase(encoded.ids.begin(), encoded.ids.begin() + surplus);
  encoded.from = std::ssize(encoded.ids) - std::ssize(words);
  return encoded;
}

std::vector<EncodedContinuation> rolling_windows(const std::vector<int32_t>& ids, int32_t prefix,
                                                 int64_t max_positions) {
  std::vector<EncodedContinuation> windows;
  const int64_t size = std::ssize(ids);
  for (int64_t scored = 0; scored < size;) {
    const int64_t end = std::min(size, scored + max_positions);
    // The window that ends here: it reads max_positions tokens at most.
    const int64_t begin = std::max<int64_t>(0, end - max_positions - 1);
    EncodedContinuation window;
    if (scored == 0) window.ids.push_back(prefix);
    window.ids.insert(window.ids.end(), ids.begin() + (scored == 0 ? 0 : begin), ids.begin() + end);
    window.from = std::ssize(window.ids) - (end - scored);
    windows.push_back(std::move(window));
    scored = end;
  }
  return windows;
}

Json to_json(const ItemResult& result) {
  Json json = Json::object();
  for (const auto& [logprob, is_greedy] : result.continuations)
    json["continuations"].push_back({logprob, is_greedy});
  if (result.continuations.empty() && result.answer.empty()) json["logprob"] = result.logprob;
  if (result.tokens > 0) json["tokens"] = result.tokens;
  if (!result.answer.empty()) json["answer"] = result.answer;
  return json;
}

ItemResult item_result(const Json& json) {
  ItemResult result{.logprob = json.value("logprob", 0.0),
                    .tokens = json.value("tokens", int64_t{0}),
                    .answer = json.value("answer", std::string())};
  if (const auto it = json.find("continuations"); it != json.end()) {
    for (const auto& pair : *it)
      result.continuations.push_back({pair.at(0).get<double>(), pair.at(1).get<bool>()});
  }
  return result;
}

void run_items(const Items& items, const ItemRun& run, const DescribeRow& describe_row,
               const std::function<void(int64_t done)>& on_done) {
  if (items.kind == Items::Kind::kGeneration) {
    write_answers(items, run, describe_row, on_done);
  } else {
    ItemScorer(items, run, describe_row, on_done).score();
  }
}

}  // namespace tunewright::eval

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/data/render_parts.h"

namespace tunewright::data {
namespace {

using rows::Row;

int64_t length(const Example& example) { return static_cast<int64_t>(example.ids.size()); }

Example slice(const Example& example, int64_t begin, int64_t end) {
  const auto cut = [&](const auto& values) {
    using Values = std::remove_cvref_t<decltype(values)>;
    return values.empty() ? Values() : Values(values.begin() + begin, values.begin() + end);
  };
  return {.ids = cut(example.ids), .labels = cut(example.labels), .weights = cut(example.weights)};
}

void erase(Example& example, int64_t begin, int64_t end) {
  const auto cut = [&](auto& values) {
    if (!values.empty()) values.erase(values.begin() + begin, values.begin() + end);
  };
  cut(example.ids);
  cut(example.labels);
  cut(example.weights);
}

// Pieces of at most max_length that, laid end to end, are the example.  The last is not a single
// token, from which nothing could be learned.
std::vector<Example> pieces_of(const Example& example, int64_t max_length) {
  std::vector<Example> pieces;
  for (int64_t begin = 0, end = 0; begin < length(example); begin = end) {
    end = std::min(begin + max_length, length(example));
    if (length(example) - end == 1 && end - begin > 2) --end;
    pieces.push_back(slice(example, begin, end));
  }
  return pieces;
}

// ---- truncation: none where the supervised part alone is too long

std::optional<Example> truncate_end(Example example, int64_t max_length, bool keep_last) {
  erase(example, keep_last ? max_length - 1 : max_length, length(example) - (keep_last ? 1 : 0));
  return example;
}

std::optional<Example> truncate_prompt(const TextModel& model, const Row& row, Example example,
                                       int64_t max_length) {
  const auto completion = static_cast<int64_t>(completion_ids(model, row.completion).size());
  const auto prefix = static_cast<int64_t>(model.tokenizer.prefix_ids().size());
  const int64_t prompt = length(example) - completion;
  const int64_t room = max_length - completion;
  if (room <= prefix) return std::nullopt;
  const int64_t head = std::max(prefix, (room + 1) / 2);
  erase(example, head, prompt - (room - head));
  return example;
}

// Content that may be shortened, and how.
struct Shortener {
  Shortener(const TextModel& model, const Row& row, TrainOn train_on) {
    const auto weights = message_weights(row, train_on);
    for (size_t i = 0; i < row.messages.size(); ++i) {
      const auto& message = row.messages[i];
      const auto content = message.find("content");
      const bool completion = is_assistant(message) && weights[i] > 0;
      if (completion || content == message.end() || !content->is_string()) continue;
      messages.push_back(i);
      spans.push_back(
          model.tokenizer.encode_with_spans(content->get_ref<const std::string&>()).spans);
      longest = std::max(longest, spans.back().size());
    }
  }

  size_t removed_by(size_t limit) const {
    size_t removed = 0;
    for (const auto& tokens : spans) removed += tokens.size() - std::min(tokens.size(), limit);
    return removed;
  }

  // The largest number of tokens that each content may have for `excess` tokens to go; none where
  // there are not so many.
  std::optional<size_t> limit_for(size_t excess) const {
    if (removed_by(0) < excess) return std::nullopt;
    size_t low = 0, high = longest;  // removed_by(low) >= excess
    while (low < high) {
      const size_t middle = (low + high + 1) / 2;
      if (removed_by(middle) >= excess) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  Row apply(const Row& row, size_t limit) const {
    Row shortened = row;
    for (size_t k = 0; k < messages.size(); ++k) {
      if (spans[k].size() <= limit) continue;
      auto& content = shortened.messages[messages[k]]["content"].get_ref<std::string&>();
      size_t end = limit == 0 ? 0 : spans[k][limit - 1].end;
      while (end > 0 && end < content.size() &&
             (static_cast<unsigned char>(content[end]) & 0xC0) == 0x80)
        --end;
      content.resize(end);
    }
    return shortened;
  }

  std::vector<size_t> messages;
  std::vector<std::vector<text::ByteSpan>> spans;  // of the tokens of each message's content
  size_t longest = 0;
};

std::optional<Example> truncate_messages(const TextModel& model, const Row& row,
                                         const Example& whole, const DataOptions& options,
                                         const rows::RowPlace& place) {
  const Shortener shortener(model, row, options.train_on);
  auto excess = static_cast<size_t>(length(whole) - options.max_length);
  // A cut may change how the text around it is tokenised, so the result is measured and cut again.
  while (const auto limit = shortener.limit_for(excess)) {
    auto example = render(model, shortener.apply(row, *limit), options.train_on, place);
    if (length(example) <= options.max_length) return example;
    excess = std::max(excess, shortener.removed_by(*limit)) +
             static_cast<size_t>(length(example) - options.max_length);
  }
  return std::nullopt;
}

std::optional<Example> truncate(const TextModel& model, const Row& row, const Example& example,
                                const DataOptions& options, const rows::RowPlace& place) {
  switch (row.kind) {
    case Row::Kind::kText:
      return truncate_end(example, options.max_length, true);
    case Row::Kind::kTokens:
      return truncate_end(example, options.max_length, false);
    case Row::Kind::kPromptCompletion:
      return truncate_prompt(model, row, example, options.max_length);
    case Row::Kind::kMessages:
      return truncate_messages(model, row, example, options, place);
  }
  TUNEWRIGHT_ASSERT(!"a row of no kind");
}

// ---- decisions

std::vector<Example> drop(LedgerLine& ledger, std::string reason) {
  ledger.decision = "dropped";
  ledger.reason = std::move(reason);
  return {};
}

std::vector<Example> change(LedgerLine& ledger, std::string reason, std::vector<Example> examples) {
  ledger.decision = "changed";
  ledger.reason = std::move(reason);
  return examples;
}

std::string too_long(const Example& example, const DataOptions& options) {
  return str(length(example), " tokens, more than max_length ", options.max_length);
}

bool is_split(const Row& row, Overflow overflow) {
  if (row.kind == Row::Kind::kText)
    return overflow == Overflow::kSplit || overflow == Overflow::kError;
  return row.kind == Row::Kind::kTokens && overflow == Overflow::kSplit;
}

std::vector<Example> shorten(const TextModel& model, const Row& row, const Example& example,
                             const DataOptions& options, const rows::RowPlace& place,
                             LedgerLine& ledger) {
  if (is_split(row, options.overflow)) {
    auto pieces = pieces_of(example, options.max_length);
    const auto reason = str("split into ", pieces.size(), " pieces: ", too_long(example, options));
    return change(ledger, reason, std::move(pieces));
  }
  if (options.overflow == Overflow::kDrop) return drop(ledger, too_long(example, options));
  if (options.overflow == Overflow::kTruncate) {
    auto shorter = truncate(model, row, example, options, place);
    if (!shorter) {
      return drop(ledger, str(too_long(example, options),
                              ", and what may not be cut (the completion, the template) "
                              "is too long by itself"));
    }
    return change(ledger,
                  str("truncated to ", length(*shorter), " tokens: ", too_long(example, options)),
                  {*shorter});
  }
  throw UserError(str(rows::describe(place), ": has ", length(example),
                      " tokens, more than data.max_length ", options.max_length,
                      "; raise max_length, or set data.overflow to truncate or drop"));
}

}  // namespace

std::vector<Example> fit(const TextModel& model, const Row& row, const DataOptions& options,
                         const rows::RowPlace& place, LedgerLine& ledger) {
  return fit(model, row, render(model, row, options.train_on, place), options, place, ledger);
}

std::vector<Example> fit(const TextModel& model, const Row& row, Example rendered,
                         const DataOptions& options, const rows::RowPlace& place,
                         LedgerLine& ledger) {
  ledger = {.source = place.file.string(), .row = place.row, .decision = "kept"};
  auto examples = length(rendered) > options.max_length
                      ? shorten(model, row, rendered, options, place, ledger)
                      : std::vector{std::move(rendered)};
  if (ledger.decision == "dropped") return {};
  std::erase_if(examples, [](const Example& one) { return one.supervised_tokens() == 0; });
  if (examples.empty()) return drop(ledger, "no supervised token");
  for (const auto& one : examples) {
    ledger.tokens += length(one);
    ledger.supervised_tokens += one.supervised_tokens();
  }
  return examples;
}

}  // namespace tunewright::data

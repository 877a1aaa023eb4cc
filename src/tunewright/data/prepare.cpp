#include "tunewright/data/prepare.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/data/render_parts.h"

namespace tunewright::data {
namespace {

using rows::Row;

// What a thread takes at once.
constexpr size_t kRowsTaken = 64;
constexpr size_t kBytesTaken = 1 << 18;

// The stop token at the end of the last supervised stretch; -1 where there is none.
int32_t trained_end(const TextModel& model, const Example& example) {
  for (size_t i = example.ids.size(); i-- > 0;) {
    if (example.labels[i] == kIgnoreLabel) continue;
    const bool stops = std::ranges::count(model.stop_ids, example.labels[i]) > 0;
    if (stops) return example.labels[i];
    // A template may put white space behind the end-of-turn token.
    if (trim(model.tokenizer.decode(std::span(&example.ids[i], 1))).empty()) continue;
    return -1;
  }
  return -1;
}

bool begins_with_two_bos(const TextModel& model, const std::vector<int32_t>& ids) {
  const auto prefix = model.tokenizer.prefix_ids();
  const auto bos = model.tokenizer.special().bos.value_or(prefix.empty() ? -1 : prefix.front());
  return ids.size() > 1 && ids[0] == bos && ids[1] == bos;
}

// The message that is answered last and supervised; none where none is.
std::optional<size_t> last_answer(const Row& row, TrainOn train_on) {
  const auto weights = message_weights(row, train_on);
  for (size_t i = row.messages.size(); i-- > 0;) {
    if (is_assistant(row.messages[i]) && weights[i] > 0) return i;
  }
  return std::nullopt;
}

Json first_messages(const Json& messages, size_t count) {
  Json first = Json::array();
  for (size_t i = 0; i < count; ++i) first.push_back(messages[i]);
  return without_marks(std::move(first));
}

Serving compare_messages(const TextModel& model, const Row& row, const Example& rendered,
                         TrainOn train_on) {
  const auto answer = last_answer(row, train_on);
  if (!answer || *answer == 0 || is_assistant(row.messages[*answer - 1]))
    return Serving::kNotServed;
  const auto& chat_template = template_of(model);
  try {
    const auto served = chat_template.render(first_messages(row.messages, *answer), row.tools,
                                             {.add_generation_prompt = true, .extra = row.extra});
    const auto prompt = model.tokenizer.encode(served.text);
    if (prompt.size() <= rendered.ids.size() &&
        std::equal(prompt.begin(), prompt.end(), rendered.ids.begin())) {
      return Serving::kSame;
    }
    const auto trained =
        chat_template.render(without_marks(row.messages), row.tools, {.extra = row.extra});
    return trained.text.starts_with(served.text) ? Serving::kOtherTokens : Serving::kOtherText;
  } catch (const UserError&) {
    return Serving::kOtherText;
  }
}

// A prompt that is a string is tokenised by one function for both, apart from its completion.
Serving compare_with_serving(const TextModel& model, const Row& row, const Example& rendered,
                             TrainOn train_on) {
  if (row.kind == Row::Kind::kPromptCompletion) return Serving::kSame;
  if (row.kind != Row::Kind::kMessages) return Serving::kNotServed;
  return compare_messages(model, row, rendered, train_on);
}

PreparedRow prepare_row(const TextModel& model, const rows::RawRow& raw, rows::Format format,
                        const DataOptions& options) {
  const auto json = rows::parse_row(raw);
  PreparedRow prepared{.place = raw.place};
  prepared.format = format == rows::Format::kAuto ? detect_format(json, raw.place) : format;
  auto row = rows::to_row(json, format, raw.place);
  row.weight = rows::row_weight(json, raw.place);
  auto rendered = render(model, row, options.train_on, raw.place);
  prepared.facts = examine(model, row, rendered, options.train_on);
  try {
    prepared.examples = fit(model, row, rendered, options, raw.place, prepared.ledger);
  } catch (const UserError& error) {
    prepared.refusal = error.what();
    prepared.ledger.decision = "dropped";
  }
  if (prepared.examples.empty()) prepared.rendered = std::move(rendered);
  return prepared;
}

// Up to the first row that is broken: its error waits until the rows before it have been used.
std::vector<PreparedRow> prepare_rows(const TextModel& model, const std::vector<rows::RawRow>& raw,
                                      rows::Format format, const DataOptions& options) {
  std::vector<PreparedRow> prepared;
  for (const auto& row : raw) {
    try {
      prepared.push_back(prepare_row(model, row, format, options));
    } catch (...) {
      prepared.push_back({.place = row.place, .error = std::current_exception()});
      break;
    }
  }
  return prepared;
}

}  // namespace

int64_t DataOptions::worker_count() const {
  if (num_workers == "auto") return core_count();
  const bool counts = num_workers.is_number_integer() && num_workers > 0 && num_workers <= 1024;
  if (!counts) {
    throw UserError(str("data.num_workers: expected auto or a number from 1 to 1024, got ",
                        excerpt(dump_json(num_workers))));
  }
  return num_workers.get<int64_t>();
}

RowFacts examine(const TextModel& model, const Row& row, const Example& rendered,
                 TrainOn train_on) {
  return {.length = static_cast<int64_t>(rendered.ids.size()),
          .supervised = rendered.supervised_tokens() > 0,
          .end_token = trained_end(model, rendered),
          .double_bos = begins_with_two_bos(model, rendered.ids),
          .weight = row.weight,
          .serving = compare_with_serving(model, row, rendered, train_on)};
}

void prepare_file(const TextModel& model, const FileOptions& file, const DataOptions& options,
                  const std::function<void(PreparedRow&&)>& use) {
  using Raw = std::vector<rows::RawRow>;
  OrderedWorkers<Raw, std::vector<PreparedRow>> workers(options.worker_count(), [&](Raw& raw) {
    return prepare_rows(model, raw, file.format, options);
  });
  const auto use_oldest = [&] {
    for (auto& row : workers.take()) {
      if (row.error) std::rethrow_exception(row.error);
      use(std::move(row));
    }
  };
  Raw raw;
  size_t bytes = 0;
  const auto hand_over = [&] {
    check_stop();
    if (workers.is_full()) use_oldest();
    workers.put(std::exchange(raw, {}));
    bytes = 0;
  };
  rows::for_each_raw_row(file.path, [&](rows::RawRow&& row) {
    bytes += row.text.size();
    raw.push_back(std::move(row));
    if (raw.size() == kRowsTaken || bytes >= kBytesTaken) hand_over();
  });
  hand_over();
  while (!workers.is_empty()) use_oldest();
}

}  // namespace tunewright::data

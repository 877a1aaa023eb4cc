#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/data/batch.h"
#include "tunewright/data/options.h"
#include "tunewright/rows/rows.h"
#include "tunewright/text/chat_template.h"
#include "tunewright/text/tokenizer.h"

namespace tunewright::data {

// The text side of a model: its tokenizer and chat template.  Training, evaluation and generation
// all tokenise and render through the functions below, so what is served is what was trained.
struct TextModel {
  text::Tokenizer tokenizer;
  std::optional<text::ChatTemplate> chat_template;  // none: only messages need one
  int32_t eos = 0;                                  // ends text and prompt_completion rows
  std::vector<int32_t> stop_ids;  // generation ends at these: eos and the template's end-of-turn
  std::string sha256;             // over the files that it was read from

  // What the tokenizer adds by itself, then `text`; a prefix that `text` already begins with stands
  // once.
  std::vector<int32_t> encode_string(std::string_view text) const;

  // From tokenizer.json, tokenizer_config.json, generation_config.json, config.json and the
  // template.
  static TextModel load(const std::filesystem::path& folder);
};

// A prompt for generation: messages rendered with the generation prompt, or a string as it stands.
// `special` rules: see "Special tokens" of the user guide (one BOS at the start of strings only).
std::vector<int32_t> prompt_ids(const TextModel& model, const Json& messages, const Json& tools,
                                const Json& extra);
std::vector<int32_t> prompt_ids(const TextModel& model, std::string_view prompt);

// Tokens and mask of a row, of any length.  A row that cannot be masked is a UserError with its
// place.
//
// Strings: the EOS is added unless the text already ends with it.  Messages are rendered and
// tokenised as one text; a token is supervised where it overlaps the bytes of a supervised message.
// For messages `completion` and `assistant` are the same: every assistant turn.  A message's own
// "train" and "weight" win over `train_on`; they never reach the template.  Under `all` the
// messages of a `prompt` list are supervised too.  The row's own weight multiplies those of its
// tokens.
Example render(const TextModel& model, const rows::Row& row, TrainOn train_on,
               const rows::RowPlace& place);

// What became of an input row: a line of ledger.jsonl.
struct LedgerLine {
  std::string source;
  int64_t row = 0;
  std::string decision;  // kept | changed | dropped
  std::string reason;
  int64_t tokens = 0, supervised_tokens = 0;
};
Json to_json(const LedgerLine& line);

// The examples (none, one, or the pieces of a split) that `row` gives within `max_length`, and its
// ledger line.  A row without a supervised token is dropped.  A longer row, by `overflow`:
//   error     a UserError with place, length and limit; text rows are split.
//   split     text and tokens rows are cut into pieces of max_length; others as under error.
//   truncate  messages: the content of unsupervised messages is shortened from its end, the longest
//             first; prompt_completion: the middle of the prompt is cut; text and tokens: the end,
//             an EOS stays.  A row whose supervised part alone is too long is dropped.
//   drop      dropped.
std::vector<Example> fit(const TextModel& model, const rows::Row& row, const DataOptions& options,
                         const rows::RowPlace& place, LedgerLine& ledger);
// The same, where the row is rendered already.
std::vector<Example> fit(const TextModel& model, const rows::Row& row, Example rendered,
                         const DataOptions& options, const rows::RowPlace& place,
                         LedgerLine& ledger);

}  // namespace tunewright::data

#include "tunewright/data/proof.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::data {
namespace {

constexpr const char* kEscape =
    "; data.proof: warn trains nevertheless, and `tunewright data preview` shows the rows";

struct Sum {
  int64_t rows = 0;
  std::string first;  // "train.jsonl row 3"
};

using Files = std::vector<FileReport>;

int64_t total(const Files& files, int64_t FileReport::* figure) {
  int64_t sum = 0;
  for (const auto& file : files) sum += file.*figure;
  return sum;
}

Sum total(const Files& files, RowCount FileReport::* count) {
  Sum sum;
  for (const auto& file : files) {
    const auto& [rows, first] = file.*count;
    if (sum.rows == 0 && rows > 0) sum.first = str(file.path, " row ", first);
    sum.rows += rows;
  }
  return sum;
}

std::string of_rows(const Sum& sum, int64_t rows) {
  return str(sum.rows, " of ", rows, " rows (first: ", sum.first, ")");
}

std::string percent(int64_t part, int64_t whole) {
  const double share = whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  return fixed(100 * share, 1) + " %";
}

Finding supervision(const Files& files) {
  const auto tokens = total(files, &FileReport::tokens);
  const auto supervised = total(files, &FileReport::supervised_tokens);
  const auto stop = std::ranges::find_if(
      files, [](const FileReport& file) { return !file.stops_training.empty(); });
  if (supervised == 0 && stop != files.end()) {
    return {.check = "supervision",
            .severity = Severity::kWarning,
            .text = "no row could be used",
            .next_step = stop->stops_training};
  }
  if (supervised == 0) {
    return {.check = "supervision",
            .severity = Severity::kFatal,
            .text = "no token is supervised: there is nothing to learn",
            .next_step = "check data.train_on, the roles of the messages and their \"train\" keys"};
  }
  return {.check = "supervision",
          .text = str(supervised, " of ", tokens, " tokens are supervised (",
                      percent(supervised, tokens), ")")};
}

Finding rows_without(const Files& files) {
  const auto sum = total(files, &FileReport::without_supervision);
  if (sum.rows == 0)
    return {.check = "rows_without_supervision", .text = "every row has a supervised token"};
  return {.check = "rows_without_supervision",
          .severity = Severity::kWarning,
          .text = str(of_rows(sum, total(files, &FileReport::rows)),
                      " have no supervised token and are dropped"),
          .next_step = "remove them, or check their roles and \"train\" keys"};
}

Finding row_weights(const Files& files) {
  const auto sum = total(files, &FileReport::weighted);
  if (sum.rows == 0) return {.check = "row_weights", .text = "no row has a weight of its own"};
  return {.check = "row_weights",
          .severity = Severity::kNote,
          .text = str(of_rows(sum, total(files, &FileReport::rows)),
                      " have a \"weight\" other than 1, which multiplies their share in the loss"),
          .next_step = "remove the column where it means something else"};
}

std::string end_token_of(const Files& files) {
  for (const auto& file : files) {
    if (!file.end_token.empty()) return file.end_token;
  }
  return {};
}

Finding end_of_turn(const Files& files) {
  const auto unstopped = total(files, &FileReport::unstopped);
  const auto rows =
      total(files, &FileReport::rows) - total(files, &FileReport::without_supervision).rows;
  const auto token = end_token_of(files);
  if (unstopped.rows == 0)
    return {.check = "end_of_turn", .text = str("every row trains to end with ", token)};
  if (unstopped.rows == rows) {
    return {
        .check = "end_of_turn",
        .severity = Severity::kWarning,
        .text = "an end-of-turn token is NEVER trained: the model would not learn to stop",
        .next_step = "give the template an end-of-turn token that is special in tokenizer.json"};
  }
  return {.check = "end_of_turn",
          .severity = Severity::kWarning,
          .text = str(of_rows(unstopped, rows), " do not train the end of their answer (", token,
                      " elsewhere)"),
          .next_step = "look whether these answers are cut off"};
}

Finding serving(const Files& files) {
  const auto text = total(files, &FileReport::other_text);
  const auto tokens = total(files, &FileReport::other_tokens);
  const auto served = total(files, &FileReport::served);
  if (text.rows > 0) {
    return {.check = "serving",
            .severity = Severity::kFatal,
            .text = str(of_rows(text, served),
                        " are rendered otherwise than the prompt that serving makes of them"),
            .next_step =
                "make the chat template's generation prompt begin the answer as the "
                "rendered conversation does"};
  }
  if (tokens.rows > 0) {
    const bool most = 2 * tokens.rows > served;
    return {.check = "serving",
            .severity = most ? Severity::kFatal : Severity::kWarning,
            .text = str(of_rows(tokens, served),
                        " have a token that reaches from the prompt into the answer, which serving "
                        "never produces"),
            .next_step = most ? "end the generation prompt where a token ends (not with a space)"
                              : "strip white space from the start of these answers"};
  }
  return {.check = "serving",
          .text = served == 0 ? "no row has a prompt that serving could render"
                              : str("all ", served,
                                    " rows with a prompt begin as serving renders "
                                    "them, token for token")};
}

Finding double_bos(const Files& files) {
  const auto sum = total(files, &FileReport::double_bos);
  if (sum.rows == 0) return {.check = "double_bos", .text = "no row begins with two BOS"};
  return {.check = "double_bos",
          .severity = Severity::kFatal,
          .text = str(of_rows(sum, total(files, &FileReport::rows)), " begin with two BOS"),
          .next_step = "remove the BOS from the text of the rows or from the chat template"};
}

Finding eos_is_pad(const TextModel& model) {
  const auto& special = model.tokenizer.special();
  if (!special.pad || special.pad != special.eos)
    return {.check = "eos_is_pad", .text = "EOS and PAD are different tokens, or there is no PAD"};
  return {.check = "eos_is_pad",
          .severity = Severity::kNote,
          .text = str("EOS and PAD are both ", model.tokenizer.token(*special.pad),
                      "; harmless here, where nothing is padded and the mask goes by place, but a "
                      "trainer that masks PAD would not teach the model to stop")};
}

Finding shortened(const Files& files) {
  const auto sum = total(files, &FileReport::too_long);
  const auto rows = total(files, &FileReport::rows);
  if (sum.rows == 0) return {.check = "length", .text = "no row is longer than data.max_length"};
  return {.check = "length",
          .severity = Severity::kWarning,
          .text = str(of_rows(sum, rows),
                      " are longer than data.max_length: ", total(files, &FileReport::changed),
                      " are shortened or split, the others dropped"),
          .next_step = "raise data.max_length where memory allows"};
}

Finding ledger(const Files& files) {
  const auto rows = total(files, &FileReport::rows);
  const auto accounted = total(files, &FileReport::kept) + total(files, &FileReport::changed) +
                         total(files, &FileReport::dropped);
  const auto tokens = total(files, &FileReport::tokens);
  const auto ledger_tokens = total(files, &FileReport::ledger_tokens);
  const auto text =
      str("the ledger accounts for ", accounted, " of ", rows, " rows (",
          total(files, &FileReport::kept), " kept, ", total(files, &FileReport::changed),
          " changed, ", total(files, &FileReport::dropped), " dropped) and ", ledger_tokens, " of ",
          tokens, " tokens");
  const bool whole = accounted == rows && ledger_tokens == tokens;
  return {.check = "ledger",
          .severity = whole ? Severity::kFine : Severity::kFatal,
          .text = text,
          .next_step = whole ? "" : "report this as a bug"};
}

}  // namespace

void FileReport::add(const PreparedRow& row, const TextModel& model, int64_t max_length) {
  const auto at = row.place.row;
  const auto& facts = row.facts;
  if (rows++ == 0) format = rows::format_name(row.format);
  kept += row.ledger.decision == "kept";
  changed += row.ledger.decision == "changed";
  dropped += row.ledger.decision == "dropped";
  if (row.ledger.decision != "kept" && first_loss.empty())
    first_loss = str("row ", at, ": ", row.refusal.empty() ? row.ledger.reason : row.refusal);
  if (stops_training.empty()) stops_training = row.refusal;
  ledger_tokens += row.ledger.tokens;
  for (const auto& example : row.examples) {
    ++examples;
    tokens += static_cast<int64_t>(example.ids.size());
    supervised_tokens += example.supervised_tokens();
  }
  if (facts.length > max_length) too_long.add(at);
  if (!facts.supervised) without_supervision.add(at);
  if (facts.supervised && facts.end_token < 0) unstopped.add(at);
  if (facts.end_token >= 0 && end_token.empty()) end_token = model.tokenizer.token(facts.end_token);
  if (facts.double_bos) double_bos.add(at);
  if (facts.weight != 1) weighted.add(at);
  served += facts.serving != Serving::kNotServed;
  if (facts.serving == Serving::kOtherText) other_text.add(at);
  if (facts.serving == Serving::kOtherTokens) other_tokens.add(at);
  if (facts.length > longest) longest = facts.length, longest_row = at;
}

std::vector<Finding> prove(const TextModel& model, const std::vector<FileReport>& files) {
  return {supervision(files), rows_without(files), row_weights(files),
          end_of_turn(files), serving(files),      double_bos(files),
          eos_is_pad(model),  shortened(files),    ledger(files)};
}

void require_proof(const std::vector<Finding>& findings, ProofMode mode, const std::string& which,
                   Reporter& reporter) {
  std::vector<std::string> fatal;
  for (const auto& [check, severity, text, next_step] : findings) {
    const bool told = check == "length" || check == "rows_without_supervision";
    if (told) continue;
    const auto message = str(which, ": ", text, "; ", next_step);
    if (severity == Severity::kWarning ||
        (severity == Severity::kFatal && mode == ProofMode::kWarn))
      reporter.warn(message);
    if (severity == Severity::kFatal) fatal.push_back(message);
  }
  if (!fatal.empty() && mode == ProofMode::kRefuse)
    throw UserError(str("the proof before step one failed: ", join(fatal, ". "), kEscape));
}

}  // namespace tunewright::data

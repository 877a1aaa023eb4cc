#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tunewright/base/progress.h"
#include "tunewright/data/prepare.h"

namespace tunewright::data {

// A number of rows, and the first of them.
struct RowCount {
  int64_t rows = 0;
  int64_t first = -1;
  void add(int64_t row) {
    if (rows++ == 0) first = row;
  }
};

// What is known of all rows of a file, besides their tokens.
struct FileReport {
  std::string path, format;
  int64_t rows = 0, kept = 0, changed = 0, dropped = 0;
  int64_t examples = 0;
  int64_t tokens = 0, supervised_tokens = 0;  // of the examples
  int64_t ledger_tokens = 0;                  // that the ledger lines account for
  RowCount without_supervision, too_long, unstopped, double_bos, other_text, other_tokens, weighted;
  int64_t served = 0;  // rows that were compared with what serving renders
  int64_t longest = 0, longest_row = 0;
  std::string end_token;       // that ends answers
  std::string first_loss;      // why the first row was not used as it stands; empty: none
  std::string stops_training;  // the error that training would end with

  void add(const PreparedRow& row, const TextModel& model, int64_t max_length);
};

enum class Severity { kFine, kNote, kWarning, kFatal };
inline constexpr std::array kSeverityNames = {
    std::pair{"fine", Severity::kFine}, std::pair{"note", Severity::kNote},
    std::pair{"warning", Severity::kWarning}, std::pair{"fatal", Severity::kFatal}};

struct Finding {
  std::string check;  // "supervision", "end_of_turn", …
  Severity severity = Severity::kFine;
  std::string text;
  std::string next_step;  // empty where nothing is to be done
};

// The proof before step one: every check with what it found, the fine ones too.  Fatal: nothing is
// supervised, two BOS at a start, rows that serving would render otherwise than training, a ledger
// that does not account for every row.
std::vector<Finding> prove(const TextModel& model, const std::vector<FileReport>& files);

// Warns of what is not fine in the set `which` ("data.train"), except for rows that were changed or
// dropped, of which load_dataset() told already; throws a UserError with the fatal
// findings, unless `mode` is kWarn.
void require_proof(const std::vector<Finding>& findings, ProofMode mode, const std::string& which,
                   Reporter& reporter);

template <class V>
void fields(V& v, RowCount& o) {
  v("rows", o.rows, "How many.");
  v("first", o.first, "The first of them, from 0; -1: none.");
}

template <class V>
void fields(V& v, FileReport& o) {
  v("path", o.path, "The file.");
  v("format", o.format, "Of its first row.");
  v("rows", o.rows, "Input rows.");
  v("kept", o.kept, "Used as they stand.");
  v("changed", o.changed, "Shortened or split.");
  v("dropped", o.dropped, "Not used.");
  v("examples", o.examples, "Pieces that training sees.");
  v("tokens", o.tokens, "Of the examples.");
  v("supervised_tokens", o.supervised_tokens, "Of the examples.");
  v("ledger_tokens", o.ledger_tokens, "Tokens that the ledger accounts for.");
  v("without_supervision", o.without_supervision, "Rows without a supervised token.");
  v("too_long", o.too_long, "Rows longer than max_length.");
  v("unstopped", o.unstopped, "Rows whose answer ends without a trained end token.");
  v("double_bos", o.double_bos, "Rows that begin with two BOS.");
  v("other_text", o.other_text, "Rows that serving renders otherwise.");
  v("other_tokens", o.other_tokens, "Rows whose answer begins within a token.");
  v("weighted", o.weighted, "Rows whose own weight is not 1.");
  v("served", o.served, "Rows compared with what serving renders.");
  v("longest", o.longest, "Tokens of the longest row.");
  v("longest_row", o.longest_row, "That row.");
  v("end_token", o.end_token, "That ends answers.");
  v("first_loss", o.first_loss, "Why the first row was not used as it stands.");
  v("stops_training", o.stops_training, "The error that training would end with.");
}

template <class V>
void fields(V& v, Finding& o) {
  v("check", o.check, "What was looked at.");
  v.choice("severity", o.severity, kSeverityNames, "How bad it is.");
  v("text", o.text, "What was found.");
  v("next_step", o.next_step, "What to do about it.");
}

}  // namespace tunewright::data

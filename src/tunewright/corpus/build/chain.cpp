#include "tunewright/corpus/build/chain.h"

#include <array>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/run_step.h"

namespace tunewright::corpus {
namespace {

// The number of the k-th row that was made from row `row`: its own, so that steps which draw by it
// draw anew.
int64_t number_of_made(int64_t row, int64_t k) {
  if (k == 0) return row;
  const std::array<int64_t, 2> key = {row, k};
  return static_cast<int64_t>(fast_hash({reinterpret_cast<const char*>(key.data()), sizeof key}) >>
                              1);
}

Verdict judge_document(const Step& step, Document& document, int64_t row) {
  if (step.needs_text() && document.texts().empty()) {
    try {
      Document::parse(document.line());
    } catch (const UserError& error) {
      return dropped(str("unreadable: ", error.what()));
    }
  }
  return step.judge(document, row);
}

std::string text_of(const std::string& line) {
  return std::string(Document::parse(line, /*needs_text=*/false).text());
}

// Counts a verdict, and keeps the row to show where it is one of those.
void count(const Verdict& verdict, int64_t rank_of, const RowEvent& event,
           const std::string& before, const Document& after, StepTally& tally) {
  ++tally.rows;
  if (!verdict.reason.empty()) ++tally.reasons[reason_kind(verdict.reason)];
  if (verdict.decision == Decision::kKept) {
    ++tally.kept;
    return;
  }
  const bool is_dropped = verdict.decision == Decision::kDropped;
  ++(is_dropped ? tally.dropped : tally.changed);
  auto& samples = is_dropped ? tally.dropped_samples : tally.changed_samples;
  const auto rank = sample_rank(rank_of, event.step);
  if (!StepTally::has_room(samples, rank)) return;
  StepTally::keep(samples, {.rank = rank,
                            .origin = event.origin,
                            .reason = verdict.reason,
                            .before = text_of(before),
                            .after = is_dropped ? "" : std::string(after.text())});
}

}  // namespace

void Chain::judge(TracedRow row, ChainResult& result) const {
  if (options_.rows_are_known && judge_unseen(row, result)) return;
  std::optional<Document> document;
  if (row.refused.empty()) {
    try {
      document = Document::parse(std::move(row.line), /*needs_text=*/false);
    } catch (const UserError& error) {
      row.refused = str("unreadable: ", error.what());
    }
  }
  if (!options_.rows_are_known) {
    auto& reading = result.steps[kReading];
    ++reading.rows;
    ++(document ? reading.kept : reading.dropped);
    if (!document) ++reading.reasons[reason_kind(row.refused)];
    if (document) result.texts.add(*document);
  }
  if (!document) {
    result.events.push_back({.origin = row.origin, .reason = std::move(row.refused)});
    return;
  }
  go_on(std::move(*document), {.origin = row.origin, .parent = row.row, .row = row.row}, 0, result);
}

bool Chain::judge_unseen(TracedRow& row, ChainResult& result) const {
  if (steps_.empty()) return false;
  const auto [step, number] = steps_.front();
  auto verdict = step->verdict_unseen(row.row);
  if (!verdict) return false;
  auto& tally = result.steps[number];
  if (verdict->decision == Decision::kDropped) {
    if (StepTally::has_room(tally.dropped_samples, sample_rank(row.row, number))) return false;
    ++tally.rows;
    ++tally.dropped;
    ++tally.reasons[reason_kind(verdict->reason)];
    result.events.push_back(
        {.origin = row.origin, .step = number, .reason = std::move(verdict->reason)});
    return true;
  }
  const bool is_plain = verdict->decision == Decision::kKept && verdict->copies == 1 &&
                        verdict->extra_lines.empty() && verdict->reason.empty();
  if (!is_plain || steps_.size() > 1) return false;
  ++tally.rows;
  ++tally.kept;
  result.rows.push_back(std::move(row));
  return true;
}

void Chain::go_on(Document document, const Going& going, size_t at, ChainResult& result) const {
  for (std::string before; at < steps_.size(); ++at) {
    const auto [step, number] = steps_[at];
    before.assign(document.line());
    auto verdict = judge_document(*step, document, going.row);
    if (verdict.decision != Decision::kDropped && verdict.copies < 1)
      verdict = dropped(verdict.reason.empty() ? "written 0 times" : std::move(verdict.reason));
    RowEvent event{.origin = going.origin,
                   .decision = verdict.decision,
                   .step = number,
                   .reason = verdict.reason};
    auto& tally = result.steps[number];
    count(verdict, going.parent, event, before, document, tally);
    if (verdict.decision != Decision::kKept && !going.made)
      result.events.push_back(std::move(event));
    if (verdict.decision == Decision::kDropped) return;
    const auto more = verdict.copies - 1 + std::ssize(verdict.extra_lines);
    if (more == 0) continue;
    tally.added += more;
    auto next = going;
    for (int64_t k = 0; k < verdict.copies; ++k) {
      next.row = number_of_made(going.row, k);
      next.made = going.made || k > 0;
      go_on(document, next, at + 1, result);
    }
    next.made = true;
    for (auto& line : verdict.extra_lines) {
      next.row = number_of_made(going.row, verdict.copies + (&line - verdict.extra_lines.data()));
      go_on(Document::parse(std::move(line), /*needs_text=*/false), next, at + 1, result);
    }
    return;
  }
  result.rows.push_back(
      {.origin = going.origin, .row = going.parent, .line = document.line(), .refused = {}});
}

}  // namespace tunewright::corpus

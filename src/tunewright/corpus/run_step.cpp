#include "tunewright/corpus/run_step.h"

#include <algorithm>
#include <map>
#include <optional>
#include <variant>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/spool.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"
#include "tunewright/rows/line_blocks.h"

namespace tunewright::corpus {
namespace {

// A batch is as many lines as make about so many bytes: small enough for memory, large enough that
// handing it to a thread costs nothing.
constexpr size_t kBatchBytes = 1 << 20;

// A row of a batch, or why it cannot be read.
using Parsed = std::variant<Document, std::string>;

Parsed parse_line(const Step& step, std::string_view line) {
  try {
    std::string own;
    own.reserve(line.size() + Document::kPadding);
    return Document::parse(own.append(line), step.needs_text());
  } catch (const UserError& error) {
    return str("unreadable: ", error.what());
  }
}

// Reads the file in batches, for as long as `use` takes them.
void for_each_batch(const RunStepOptions& options, std::string_view action, Reporter& reporter,
                    const std::function<void(rows::LineBlock&&)>& use) {
  const auto total = static_cast<int64_t>(fs::file_size(options.in));
  int64_t done = 0;
  rows::for_each_line_block(options.in, kBatchBytes, [&](rows::LineBlock&& block) {
    check_stop();
    done += std::ssize(block.bytes);
    const auto rows = block.first_row + std::ssize(block.lines);
    use(std::move(block));
    // More than the file has: it is compressed.
    reporter.progress(str(options.label, ", ", action), done, done > total ? 0 : total, "B",
                      str(rows, " rows"));
  });
  reporter.finish_progress();
}

void read_ahead(Step& step, const RunStepOptions& options, Reporter& reporter) {
  using Notes = std::unique_ptr<Step::Notes>;
  OrderedWorkers<rows::LineBlock, Notes> workers(options.workers, [&](rows::LineBlock& block) {
    Batch batch;
    batch.documents.reserve(block.lines.size());
    batch.rows.reserve(block.lines.size());
    for (size_t i = 0; i < block.lines.size(); ++i) {
      const auto row = block.first_row + static_cast<int64_t>(i);
      if (!step.wants(row)) continue;
      auto parsed = parse_line(step, block.lines[i]);
      if (auto* document = std::get_if<Document>(&parsed)) {
        batch.documents.push_back(std::move(*document));
        batch.rows.push_back(row);
      }
    }
    return step.read(batch);
  });
  for_each_batch(options, "reading", reporter, [&](rows::LineBlock&& block) {
    if (workers.is_full()) step.collect(workers.take());
    workers.put(std::move(block));
  });
  while (!workers.is_empty()) step.collect(workers.take());
  step.decide(reporter);
}

struct Judged {
  int64_t row = 0;
  std::string_view line;     // of the input
  std::string changed_line;  // where it was changed
  Verdict verdict;
  bool unreadable = false;

  std::string_view written() const {
    return verdict.decision == Decision::kChanged ? changed_line : line;
  }
};

Judged judge_line(const Step& step, std::string_view line, int64_t row) {
  Judged judged{.row = row, .line = line};
  if (auto verdict = step.verdict_unseen(row)) {
    judged.verdict = std::move(*verdict);
    return judged;
  }
  auto parsed = parse_line(step, line);
  if (auto* why = std::get_if<std::string>(&parsed)) {
    judged.verdict = dropped(std::move(*why));
    judged.unreadable = true;
    return judged;
  }
  auto& document = std::get<Document>(parsed);
  judged.verdict = step.judge(document, row);
  if (judged.verdict.decision == Decision::kChanged) judged.changed_line = document.line();
  return judged;
}

// The rows of a block, judged, and what can be made of the verdicts on the same thread.
struct JudgedBlock {
  rows::LineBlock block;  // holds the lines
  std::vector<Judged> rows;
  std::string ledger;
  std::map<std::string, int64_t> reasons;
};

void append_ledger_line(const std::string& source, const Judged& judged, std::string& ledger) {
  const auto& verdict = judged.verdict;
  ((((ledger += "{\"source\":") += source) += ",\"row\":") += std::to_string(judged.row)) +=
      ",\"decision\":\"";
  (ledger += decision_name(verdict.decision)) += '"';
  if (!verdict.reason.empty()) (ledger += ",\"reason\":") += dump_json(verdict.reason);
  ledger += "}\n";
}

JudgedBlock judge_block(const Step& step, const RunStepOptions& options, rows::LineBlock block) {
  JudgedBlock judged{.block = std::move(block)};
  const auto source = dump_json(options.in.string());
  for (size_t i = 0; i < judged.block.lines.size(); ++i) {
    const auto row = judged.block.first_row + static_cast<int64_t>(i);
    judged.rows.push_back(judge_line(step, judged.block.lines[i], row));
    const auto& reason = judged.rows.back().verdict.reason;
    if (!reason.empty()) ++judged.reasons[reason_kind(reason)];
    if (!options.ledger.empty()) append_ledger_line(source, judged.rows.back(), judged.ledger);
  }
  return judged;
}

// Writes what is kept and the ledger, and counts.
class Output {
 public:
  Output(const RunStepOptions& options, std::optional<std::vector<int64_t>> order)
      : source_(options.in.string()), rows_(options.out) {
    if (!options.ledger.empty()) ledger_.emplace(options.ledger);
    if (order) {
      auto spool = Spool::unnamed_in(fs::absolute(options.out).parent_path());
      reordered_.emplace(Reordered{std::move(*order), std::move(spool), {}});
    }
  }

  void add(const JudgedBlock& judged) {
    for (const auto& row : judged.rows) add(row);
    for (const auto& [reason, rows] : judged.reasons) reasons_[reason] += rows;
    if (ledger_) ledger_->write(judged.ledger);
  }

  StepCounts commit() {
    if (unreadable_ == counts_.rows) {
      throw UserError(str(source_, ": none of the ", counts_.rows, " rows can be read (",
                          reasons_.begin()->first, ")"));
    }
    if (reordered_) write(*reordered_);
    flush();
    rows_.commit();
    if (ledger_) ledger_->commit();
    counts_.reasons.assign(reasons_.begin(), reasons_.end());
    std::ranges::stable_sort(counts_.reasons, std::greater<>(),
                             [](const auto& r) { return r.second; });
    return counts_;
  }

 private:
  // A row in the spool, and the bytes of the added rows behind it, a newline between two.
  struct Kept {
    int64_t offset = 0, size = 0, copies = 0, extra_size = 0;
  };
  // Rows that are written in another order than they come.
  struct Reordered {
    std::vector<int64_t> order;
    Spool spool;
    std::map<int64_t, Kept> kept;
  };

  void add(const Judged& judged) {
    ++counts_.rows;
    const auto& verdict = judged.verdict;
    (verdict.decision == Decision::kKept      ? counts_.kept
     : verdict.decision == Decision::kChanged ? counts_.changed
                                              : counts_.dropped)++;
    if (judged.unreadable) ++unreadable_;
    if (verdict.decision == Decision::kDropped) return;
    counts_.added += std::ssize(verdict.extra_lines);
    counts_.written += verdict.copies + std::ssize(verdict.extra_lines);
    if (reordered_) return keep(judged, *reordered_);
    for (int64_t i = 0; i < verdict.copies; ++i) write(judged.written());
    for (const auto& line : verdict.extra_lines) write(line);
  }

  void write(std::string_view line) {
    (buffer_ += line) += '\n';
    if (buffer_.size() >= kBatchBytes) flush();
  }
  void flush() {
    rows_.write(std::string_view(buffer_));
    buffer_.clear();
  }

  static void keep(const Judged& judged, Reordered& rows) {
    const auto extra = join(judged.verdict.extra_lines, "\n");
    rows.kept[judged.row] = {rows.spool.size(), std::ssize(judged.written()), judged.verdict.copies,
                             std::ssize(extra)};
    rows.spool.append(judged.written());
    rows.spool.append(extra);
  }

  void write(Reordered& rows) {
    rows.spool.flush();
    std::string line;
    for (const auto row : rows.order) {
      const auto it = rows.kept.find(row);
      if (it == rows.kept.end()) continue;
      const auto& kept = it->second;
      line.resize(static_cast<size_t>(kept.size));
      rows.spool.read(kept.offset, line);
      for (int64_t i = 0; i < kept.copies; ++i) write(line);
      if (kept.extra_size == 0) continue;
      line.resize(static_cast<size_t>(kept.extra_size));
      rows.spool.read(kept.offset + kept.size, line);
      write(line);
    }
  }

  std::string source_;
  AtomicFile rows_;
  std::optional<AtomicFile> ledger_;
  std::optional<Reordered> reordered_;
  std::string buffer_;
  std::map<std::string, int64_t> reasons_;
  int64_t unreadable_ = 0;
  StepCounts counts_;
};

}  // namespace

Verdict dropped(std::string reason) {
  return {.decision = Decision::kDropped, .reason = std::move(reason)};
}
Verdict changed(std::string reason) {
  return {.decision = Decision::kChanged, .reason = std::move(reason)};
}

const char* decision_name(Decision decision) {
  switch (decision) {
    case Decision::kKept:
      return "kept";
    case Decision::kChanged:
      return "changed";
    case Decision::kDropped:
      return "dropped";
  }
  throw InternalError("a decision without a name");
}

std::string reason_kind(const std::string& reason) {
  size_t end = 0;
  while (end < reason.size()) {
    const auto digit = end + (reason[end] == '-' ? 1 : 0);
    if (digit < reason.size() && reason[digit] >= '0' && reason[digit] <= '9') break;
    const auto space = reason.find(' ', end);
    end = space == std::string::npos ? reason.size() : space + 1;
  }
  return std::string(trim(std::string_view(reason).substr(0, end)));
}

std::unique_ptr<Step::Notes> Step::read(const Batch& /*batch*/) const { return nullptr; }
void Step::collect(std::unique_ptr<Notes> /*notes*/) {}
void Step::decide(Reporter& /*reporter*/) {}

StepCounts run_step(Step& step, const RunStepOptions& options, Reporter& reporter) {
  const auto folder = fs::absolute(options.out).parent_path();
  std::error_code ignored;  // whoever writes there will tell
  fs::create_directories(folder, ignored);
  step.prepare({.scratch = folder, .workers = options.workers});
  for (int64_t pass = 0; pass < step.passes(); ++pass) read_ahead(step, options, reporter);
  Output output(options, step.order());
  OrderedWorkers<rows::LineBlock, JudgedBlock> workers(
      options.workers,
      [&](rows::LineBlock& block) { return judge_block(step, options, std::move(block)); });
  for_each_batch(options, "writing", reporter, [&](rows::LineBlock&& block) {
    if (workers.is_full()) output.add(workers.take());
    workers.put(std::move(block));
  });
  while (!workers.is_empty()) output.add(workers.take());
  return output.commit();
}

}  // namespace tunewright::corpus

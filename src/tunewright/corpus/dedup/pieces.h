#pragma once
#include <array>
#include <string>
#include <utility>

#include "tunewright/base/hash.h"
#include "tunewright/corpus/dedup/repeats.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

// What repeats across the rows: lines, or paragraphs (blank lines between).
enum class PieceKind { kLine, kParagraph };

struct PieceOptions {
  int64_t keep = 1;
  int64_t min_words = 3;
  bool ignore_case = true;
  std::string memory = "512MiB";
};

template <class V>
void fields(V& v, PieceOptions& o) {
  v("keep", o.keep, "Occurrences that stay; those after are removed.");
  v("min_words", o.min_words, "Fewest words of what is removed, split at white space.");
  v("ignore_case", o.ignore_case, "Case makes no difference.");
  v("memory", o.memory, "Most memory of the table, 24 bytes a piece; what is more goes to disk.");
}

// Removes lines or paragraphs that came before, in this row or an earlier one.  White space at the
// ends of one makes no difference.  A row of which nothing is left is dropped; in a row with
// several texts (a dialogue), a text of which nothing would be left stays as it is.
class DedupPieces : public Step {
 public:
  DedupPieces(const PieceOptions& options, PieceKind kind);

  void prepare(const StepResources& resources) override;
  bool reads_ahead() const override { return true; }
  std::unique_ptr<Notes> read(const Batch& batch) const override;
  void collect(std::unique_ptr<Notes> notes) override;
  void decide(Reporter& reporter) override;
  Verdict judge(Document& document, int64_t row) const override;
  Json summary() const override;

 private:
  struct Keys;
  // A piece that comes too often, and the last place where it may stay.
  struct Limit {
    Hash128 key;
    uint64_t last_kept = 0;
  };

  bool is_repeated(const Hash128& key, uint64_t position) const;

  PieceOptions options_;
  PieceKind kind_;
  int64_t memory_bytes_;
  int64_t workers_ = 1;
  std::optional<Repeats> repeats_;
  std::vector<Limit> limits_;  // an open hash table; a place with last_kept kFree is free
  int64_t repeated_keys_ = 0, occurrences_ = 0, removed_ = 0;
};

class DedupLines final : public DedupPieces {
 public:
  explicit DedupLines(const PieceOptions& options) : DedupPieces(options, PieceKind::kLine) {}
};
class DedupParagraphs final : public DedupPieces {
 public:
  explicit DedupParagraphs(const PieceOptions& options)
      : DedupPieces(options, PieceKind::kParagraph) {}
};

}  // namespace tunewright::corpus

#include "tunewright/corpus/dedup/exact.h"

#include "tunewright/base/error.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/dedup/clusters.h"
#include "tunewright/corpus/dedup/words.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

// Each run of white space as one space, none at the ends.
std::string with_single_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto [c, size] = text::code_point_at(text, at);
    if (!text::python::is_space(c)) {
      out.append(text, at, size);
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
    at += size;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string joined_words(std::string_view text) {
  std::string lowered, out;
  std::vector<std::string_view> words;
  lower_words(text, lowered, words);
  for (const auto word : words) (out += word) += ' ';
  return out;
}

// The number of texts counts as well: a prompt and its completion are not one text of two lines.
Hash128 key_of(const Document& document, SameText same) {
  const auto texts = document.texts().size();
  switch (same) {
    case SameText::kBytes:
      return fast_hash128(document.text(), texts);
    case SameText::kSpace:
      return fast_hash128(with_single_spaces(document.text()), texts);
    case SameText::kCase:
      return fast_hash128(text::python::lower(with_single_spaces(document.text())), texts);
    case SameText::kWords:
      return fast_hash128(joined_words(document.text()), texts);
  }
  throw InternalError("a kind of sameness without a key");
}

}  // namespace

struct DedupExact::Keys final : Notes {
  std::vector<std::pair<uint32_t, Hash128>> rows;
};

DedupExact::DedupExact(const ExactOptions& options)
    : same_(options.same), memory_bytes_(parse_bytes(options.memory, "memory")) {}

void DedupExact::prepare(const StepResources& resources) {
  repeats_.emplace(resources.scratch, memory_bytes_);
  workers_ = resources.workers;
}

std::unique_ptr<Step::Notes> DedupExact::read(const Batch& batch) const {
  auto notes = std::make_unique<Keys>();
  for (size_t i = 0; i < batch.rows.size(); ++i)
    notes->rows.emplace_back(checked_row(batch.rows[i]), key_of(batch.documents[i], same_));
  return notes;
}

void DedupExact::collect(std::unique_ptr<Notes> notes) {
  for (const auto& [row, key] : dynamic_cast<Keys&>(*notes).rows) {
    read_.insert(row);
    repeats_->add(key, row);
  }
}

void DedupExact::decide(Reporter& /*reporter*/) {
  std::vector<std::pair<uint32_t, uint32_t>> repeats;
  repeats_->finish(1, workers_, [&](const std::vector<Repeat>& part) {
    for (const auto& repeat : part) {
      repeats.emplace_back(static_cast<uint32_t>(repeat.position),
                           static_cast<uint32_t>(repeat.last_kept));
      repeated_.insert(repeats.back().first);
    }
  });
  repeats_.reset();
  repeated_.freeze();
  first_.resize(repeats.size());
  for (const auto& [row, first] : repeats) first_[repeated_.index(row)] = first;
}

std::optional<Verdict> DedupExact::verdict_unseen(int64_t row) const {
  if (!read_.contains(row)) return std::nullopt;
  if (!repeated_.contains(row)) return Verdict{};
  return dropped(str("same text as row ", first_[repeated_.index(static_cast<uint32_t>(row))]));
}

Verdict DedupExact::judge(Document& /*document*/, int64_t row) const {
  return verdict_unseen(row).value_or(Verdict{});
}

Json DedupExact::summary() const {
  ClusterList clusters;
  clusters.count([&] {
    repeated_.for_each([&](uint32_t row) { clusters.add(first_[repeated_.index(row)], row); });
  });
  return clusters.summary();
}

}  // namespace tunewright::corpus

#include "tunewright/corpus/dedup/near_duplicates.h"

#include <algorithm>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/memory.h"
#include "tunewright/base/ordered_workers.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/dedup/clusters.h"
#include "tunewright/corpus/dedup/words.h"

namespace tunewright::corpus {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
constexpr size_t kPieceElements = 1 << 16;
constexpr size_t kComparisons = 32;  // with the first rows of a bucket, and with those just before

struct Done {};  // of work that leaves its result elsewhere

template <class T>
std::string_view bytes_of(const std::vector<T>& items) {
  return {reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T)};
}

void check(const NearDuplicateOptions& o) {
  if (o.threshold <= 0 || o.threshold > 1)
    throw UserError(str("threshold: expected more than 0 and at most 1, got ", o.threshold));
  const auto positive = [](const char* name, int64_t value, int64_t most) {
    if (value < 1 || value > most)
      throw UserError(str(name, ": expected 1 to ", most, ", got ", value));
  };
  positive("ngram", o.ngram, 100);
  positive("bands", o.bands, 1000);
  positive("band_rows", o.band_rows, 100);
  positive("arrangements", o.arrangements, 8);
}

}  // namespace

// Notes of the first reading.
struct NearDuplicates::Signatures final : Step::Notes {
  struct Row {
    uint32_t row = 0;
    bool has_shingles = false;
    Hash128 words;  // in their order
  };
  std::vector<Row> rows;
  std::vector<uint64_t> bands;  // [rows with shingles, bands]
};

// Notes of the second.
struct NearDuplicates::Shingles final : Step::Notes {
  std::vector<size_t> ends;        // of the set of each row
  std::vector<uint64_t> shingles;  // sorted, each once
};

NearDuplicates::NearDuplicates(const NearDuplicateOptions& options, bool short_texts)
    : options_((check(options), options)),
      short_texts_(short_texts),
      memory_bytes_(parse_bytes(options.memory, "memory")),
      minhash_(options.bands * options.band_rows, static_cast<uint64_t>(options.seed)),
      bands_(options.bands, options.band_rows, options.arrangements,
             static_cast<uint64_t>(options.seed)) {}

void NearDuplicates::prepare(const StepResources& resources) {
  resources_ = resources;
  sequences_.emplace(resources.scratch, memory_bytes_);
  index_.emplace(bands_.size(), resources.scratch);
}

bool NearDuplicates::wants(int64_t row) const {
  return candidates_.size() == 0 || candidates_.contains(row);
}

std::unique_ptr<Step::Notes> NearDuplicates::read(const Batch& batch) const {
  return candidates_.size() == 0 ? sign(batch) : shingle(batch);
}

std::unique_ptr<Step::Notes> NearDuplicates::sign(const Batch& batch) const {
  constexpr uint64_t kShortSeed = 1, kWordlessSeed = 2;
  auto notes = std::make_unique<Signatures>();
  std::string lowered;
  std::vector<uint64_t> words, shingles;
  std::vector<uint32_t> elements, signature;
  const auto bands = static_cast<size_t>(bands_.size());
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const auto text = batch.documents[i].text();
    hash_words(text, lowered, words);
    hash_shingles(words, options_.ngram, shingles);
    auto& row = notes->rows.emplace_back();
    row.row = checked_row(batch.rows[i]);
    row.has_shingles = !shingles.empty();
    row.words = words.empty() ? fast_hash128(text, kWordlessSeed)
                              : fast_hash128(bytes_of(words), row.has_shingles ? 0 : kShortSeed);
    if (shingles.empty()) continue;
    elements.resize(shingles.size());
    std::ranges::transform(shingles, elements.begin(),
                           [](uint64_t shingle) { return static_cast<uint32_t>(shingle >> 32); });
    minhash_.sign(elements, signature);
    notes->bands.resize(notes->bands.size() + bands);
    bands_.hash(signature, std::span(notes->bands).last(bands));
  }
  return notes;
}

std::unique_ptr<Step::Notes> NearDuplicates::shingle(const Batch& batch) const {
  auto notes = std::make_unique<Shingles>();
  std::string lowered;
  std::vector<uint64_t> words, shingles;
  for (const auto& document : batch.documents) {
    hash_words(document.text(), lowered, words);
    hash_shingles(words, options_.ngram, shingles);
    std::ranges::sort(shingles);
    const auto repeated = std::ranges::unique(shingles);
    notes->shingles.insert(notes->shingles.end(), shingles.begin(), repeated.begin());
    notes->ends.push_back(notes->shingles.size());
  }
  return notes;
}

void NearDuplicates::collect(const Step::Notes& notes) {
  if (const auto* sets = dynamic_cast<const Shingles*>(&notes)) {
    size_t begin = 0;
    for (const auto end : sets->ends) {
      shingles_->add(std::span(sets->shingles).subspan(begin, end - begin));
      begin = end;
    }
    return;
  }
  const auto& signatures = dynamic_cast<const Signatures&>(notes);
  auto bands = std::span(signatures.bands);
  for (const auto& row : signatures.rows) {
    read_.insert(row.row);
    if (row.has_shingles || short_texts_) sequences_->add(row.words, row.row);
    without_shingles_ += row.has_shingles ? 0 : 1;
    if (!row.has_shingles) continue;
    index_->add(row.row, bands.first(static_cast<size_t>(bands_.size())));
    bands = bands.subspan(static_cast<size_t>(bands_.size()));
  }
}

void NearDuplicates::decide(Reporter& reporter) {
  if (candidates_.size() == 0) {
    find_candidates(reporter);
  } else {
    compare_candidates(reporter);
  }
}

// Rows with the words of an earlier one need no comparison; the others do where they share a band.
void NearDuplicates::find_candidates(Reporter& reporter) {
  std::vector<std::pair<uint32_t, uint32_t>> repeats;
  sequences_->finish(1, resources_.workers, [&](const std::vector<Repeat>& part) {
    for (const auto& repeat : part) {
      repeats.emplace_back(static_cast<uint32_t>(repeat.position),
                           static_cast<uint32_t>(repeat.last_kept));
      repeated_.insert(repeats.back().first);
    }
  });
  sequences_.reset();
  repeated_.freeze();
  repeated_of_.resize(repeated_.size());
  for (const auto& [row, first] : repeats) repeated_of_[repeated_.index(row)] = first;

  buckets_ = Spool::unnamed_in(resources_.scratch);
  int64_t done = 0;
  index_->for_each_band(repeated_, {.workers = resources_.workers, .memory_bytes = memory_bytes_},
                        [&](const Buckets& buckets) {
                          add_buckets(buckets);
                          reporter.progress("looking for candidates", ++done, bands_.size(),
                                            "bands", "");
                        });
  reporter.finish_progress();
  index_.reset();
  buckets_->flush();
  candidates_.freeze();
  candidates_.for_each([&](uint32_t row) { candidate_rows_.push_back(row); });
  shingles_.emplace(resources_.scratch);
}

void NearDuplicates::add_buckets(const Buckets& buckets) {
  for (size_t begin = 0, end = 0; begin < buckets.size(); begin = end) {
    while (end < buckets.size() && end - begin < kPieceElements) {
      for (const auto row : std::span(buckets).subspan(end + 1, buckets[end]))
        candidates_.insert(row);
      end += 1 + buckets[end];
    }
    pieces_.push_back({.begin = buckets_->size() / 4, .size = static_cast<int64_t>(end - begin)});
    buckets_->append(bytes_of(buckets).substr(4 * begin, 4 * (end - begin)));
  }
}

NearDuplicates::Buckets NearDuplicates::load(const Piece& piece) const {
  Buckets buckets(static_cast<size_t>(piece.size));
  buckets_->read(4 * piece.begin, {reinterpret_cast<char*>(buckets.data()), 4 * buckets.size()});
  for (size_t at = 0; at < buckets.size(); at += 1 + buckets[at]) {
    for (auto& row : std::span(buckets).subspan(at + 1, buckets[at])) row = candidates_.index(row);
  }
  return buckets;
}

// Each pair of a bucket, the smaller one first, within the limit.
template <class Use>
void NearDuplicates::for_each_pair(const Buckets& buckets, const Use& use) const {
  for (size_t at = 0; at < buckets.size(); at += 1 + buckets[at]) {
    const auto bucket = std::span(buckets).subspan(at + 1, buckets[at]);
    for (size_t i = 1; i < bucket.size(); ++i) {
      for (size_t j = 0; j < std::min(i, kComparisons); ++j) use(bucket[j], bucket[i]);
      for (size_t j = std::max(kComparisons, i - std::min(i, kComparisons)); j < i; ++j)
        use(bucket[j], bucket[i]);
    }
  }
}

void NearDuplicates::compare_candidates(Reporter& reporter) {
  shingles_->flush();
  TUNEWRIGHT_ASSERT(shingles_->size() == candidates_.size());
  DisjointSets clusters(candidates_.size());
  OrderedWorkers<Piece, Done> workers(resources_.workers, [&](Piece& piece) {
    ShingleReader reader(*shingles_);
    for_each_pair(load(piece), [&](uint32_t a, uint32_t b) {
      if (clusters.find(a) == clusters.find(b)) return;  // another path joins them already
      if (reader.jaccard_from(a, b, options_.threshold) >= options_.threshold) clusters.unite(a, b);
    });
    return Done{};
  });
  int64_t done = 0;
  const auto take = [&] {
    workers.take();
    reporter.progress("comparing candidates", ++done, std::ssize(pieces_), "pieces", "");
  };
  for (const auto& piece : pieces_) {
    if (workers.is_full()) take();
    workers.put(piece);
  }
  while (!workers.is_empty()) take();
  reporter.finish_progress();
  link_to_roots(clusters);
  link_chains();
  shingles_.reset();
  buckets_.reset();
}

void NearDuplicates::link_to_roots(const DisjointSets& clusters) {
  links_.resize(candidates_.size());
  std::vector<uint32_t> linked;
  for (uint32_t i = 0; i < links_.size(); ++i) {
    links_[i] = {.root = clusters.find(i), .similar = i, .jaccard = 1};
    if (links_[i].root != i) linked.push_back(i);
  }
  std::ranges::stable_sort(linked, {}, [&](uint32_t i) { return links_[i].root; });
  OrderedWorkers<std::span<const uint32_t>, Done> workers(
      resources_.workers, [&](std::span<const uint32_t>& part) {
        ShingleReader reader(*shingles_);
        for (const auto i : part) {
          auto& link = links_[i];
          link.jaccard = static_cast<float>(reader.jaccard(link.root, i));
          link.similar = link.jaccard >= static_cast<float>(options_.threshold) ? link.root : kNone;
        }
        return Done{};
      });
  constexpr size_t kPart = 4096;
  for (size_t begin = 0; begin < linked.size(); begin += kPart) {
    if (workers.is_full()) workers.take();
    workers.put(std::span(linked).subspan(begin, std::min(kPart, linked.size() - begin)));
  }
  while (!workers.is_empty()) workers.take();
}

// Rows that a chain of others joins to their cluster get the first row that is similar to them.
void NearDuplicates::link_chains() {
  const auto is_open = [](const Link& link) { return link.similar == kNone; };
  if (std::ranges::none_of(links_, is_open)) return;
  std::vector<Link> closed = links_;
  ShingleReader reader(*shingles_);
  const auto offer = [&](uint32_t row, uint32_t other, double jaccard) {
    auto& link = closed[row];
    if (is_open(links_[row]) && other < link.similar) {
      link.similar = other;
      link.jaccard = static_cast<float>(jaccard);
    }
  };
  for (const auto& piece : pieces_) {
    for_each_pair(load(piece), [&](uint32_t a, uint32_t b) {
      const bool needed = (is_open(links_[a]) && b < closed[a].similar) ||
                          (is_open(links_[b]) && a < closed[b].similar);
      if (!needed || links_[a].root != links_[b].root) return;
      const auto jaccard = reader.jaccard_from(a, b, options_.threshold);
      if (jaccard < options_.threshold) return;
      offer(a, b, jaccard);
      offer(b, a, jaccard);
    });
  }
  links_ = std::move(closed);
}

std::optional<NearDuplicates::Match> NearDuplicates::match(int64_t row) const {
  if (repeated_.contains(row)) {
    const auto same = repeated_of_[repeated_.index(static_cast<uint32_t>(row))];
    const auto of_same = match(same);
    if (!of_same) return Match{.first = same, .similar = same, .jaccard = 1};
    if (of_same->similar != of_same->first)
      return Match{.first = of_same->first, .similar = same, .jaccard = 1};
    return of_same;
  }
  if (!candidates_.contains(row)) return std::nullopt;
  const auto i = candidates_.index(static_cast<uint32_t>(row));
  const auto& link = links_[i];
  if (link.root == i) return std::nullopt;
  return Match{.first = candidate_rows_[link.root],
               .similar = candidate_rows_[link.similar],
               .jaccard = link.jaccard};
}

Json NearDuplicates::summary() const {
  ClusterList clusters;
  const auto add = [&](uint32_t row) {
    if (const auto found = match(row)) clusters.add(found->first, row);
  };
  clusters.count([&] {
    repeated_.for_each(add);
    candidates_.for_each(add);
  });
  Json json = clusters.summary();
  json["without_shingles"] = without_shingles_;
  return json;
}

}  // namespace tunewright::corpus

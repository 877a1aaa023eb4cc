#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tunewright/corpus/dedup/band_index.h"
#include "tunewright/corpus/dedup/disjoint_sets.h"
#include "tunewright/corpus/dedup/repeats.h"
#include "tunewright/corpus/dedup/row_set.h"
#include "tunewright/corpus/dedup/shingle_store.h"
#include "tunewright/corpus/dedup/signature.h"
#include "tunewright/corpus/step.h"

namespace tunewright::corpus {

struct NearDuplicateOptions {
  double threshold = 0.8;
  int64_t ngram = 5;
  int64_t bands = 14, band_rows = 8, arrangements = 2;
  int64_t seed = 1;
  std::string memory = "256MiB";
};

template <class V>
void fields(V& v, NearDuplicateOptions& o) {
  v("threshold", o.threshold, "Jaccard similarity from which two rows are near-duplicates.");
  v("ngram", o.ngram, "Words in a row that make one shingle.");
  v("bands", o.bands, "Bands that the hashes of a row are cut into.");
  v("band_rows", o.band_rows, "Hashes of a band; bands x band_rows are computed.");
  v("arrangements", o.arrangements,
    "How often they are cut, each time in another order; 1: plain MinHash-LSH.");
  v("seed", o.seed, "Of the hash functions.");
  v("memory", o.memory, "Most memory of the tables; what is more goes to disk.");
}

// Finds rows whose texts have nearly the same words, by MinHash-LSH over lower-cased word n-grams.
// The first reading keeps hashes of signatures alone; the second looks at the candidates again, and
// their true Jaccard similarity decides.  Clusters are the connected components of such pairs.
//
// A text with fewer words than `ngram` has no shingle and is like no other; where `short_texts` is
// set, it is like those with the same words.
//
// In a bucket of more than 64 different texts a row is compared with the first 32 and the 32 before
// it: what bounds the work on texts made from one template.
class NearDuplicates {
 public:
  NearDuplicates(const NearDuplicateOptions& options, bool short_texts);

  // The parts of Step that a step with these hands on.
  void prepare(const StepResources& resources);
  int64_t passes() const { return candidates_.size() > 0 ? 2 : 1; }
  bool wants(int64_t row) const;
  std::unique_ptr<Step::Notes> read(const Batch& batch) const;
  void collect(const Step::Notes& notes);
  void decide(Reporter& reporter);

  // After the last decide().
  bool was_read(int64_t row) const { return read_.contains(row); }
  struct Match {
    uint32_t first = 0;  // row of the cluster
    uint32_t similar =
        0;  // row that is this similar: the first one, unless that is below threshold
    double jaccard = 0;
  };
  // None: the row is the first of its cluster, or alone.
  std::optional<Match> match(int64_t row) const;
  // {"rows", "without_shingles", "near_duplicates", "clusters", "largest_clusters": […]}
  Json summary() const;

 private:
  struct Signatures;
  struct Shingles;
  // A piece of the buckets, in elements.
  struct Piece {
    int64_t begin = 0, size = 0;
  };
  // Of a candidate; all are numbers of candidates.
  struct Link {
    uint32_t root = 0, similar = 0;
    float jaccard = 0;
  };
  using Buckets = BandIndex::Buckets;

  std::unique_ptr<Step::Notes> sign(const Batch& batch) const;
  std::unique_ptr<Step::Notes> shingle(const Batch& batch) const;
  void find_candidates(Reporter& reporter);
  void add_buckets(const Buckets& buckets);
  Buckets load(const Piece& piece) const;
  void compare_candidates(Reporter& reporter);
  void compare(const Piece& piece, const DisjointSets& clusters, DisjointSets& united) const;
  void link_to_roots(const DisjointSets& clusters);
  void link_chains();
  template <class Use>
  void for_each_pair(const Buckets& buckets, const Use& use) const;

  NearDuplicateOptions options_;
  bool short_texts_;
  StepResources resources_;
  int64_t memory_bytes_;
  MinHash minhash_;
  Bands bands_;

  // First reading.
  RowSet read_;
  int64_t without_shingles_ = 0;
  std::optional<Repeats> sequences_;  // of words
  std::optional<BandIndex> index_;
  // Rows with the words of an earlier one, and which.
  RowSet repeated_;
  std::vector<uint32_t> repeated_of_;

  // Second reading: rows that share a band with another.
  RowSet candidates_;
  std::vector<uint32_t> candidate_rows_;
  std::optional<Spool> buckets_;
  std::vector<Piece> pieces_;
  std::optional<ShingleStore> shingles_;
  std::vector<Link> links_;
};

}  // namespace tunewright::corpus

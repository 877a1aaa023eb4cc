#include "tunewright/corpus/dedup/minhash.h"

#include "tunewright/base/str.h"

namespace tunewright::corpus {

std::optional<Verdict> DedupMinhash::verdict_unseen(int64_t row) const {
  if (!duplicates_.was_read(row)) return std::nullopt;
  const auto match = duplicates_.match(row);
  if (!match) return Verdict{};
  auto reason =
      str("near-duplicate of row ", match->similar, ", jaccard ", fixed(match->jaccard, 2));
  if (match->similar != match->first) reason += str(", in the cluster of row ", match->first);
  return dropped(std::move(reason));
}

Verdict DedupMinhash::judge(Document& /*document*/, int64_t row) const {
  return verdict_unseen(row).value_or(Verdict{});
}

}  // namespace tunewright::corpus

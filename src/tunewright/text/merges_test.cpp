#include "tunewright/text/merges.h"

#include <map>
#include <random>

#include "tunewright/base/test.h"

namespace tunewright::text {
namespace {

using Table = std::map<std::pair<int32_t, int32_t>, std::pair<uint32_t, int32_t>>;

// By the definition: the best pair of all, the leftmost of equals, until none is left.
std::vector<int32_t> merge_plainly(std::vector<int32_t> ids, const Table& table) {
  for (;;) {
    size_t best = ids.size();
    uint32_t best_rank = ~0u;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = table.find({ids[i], ids[i + 1]});
      if (found == table.end() || found->second.first >= best_rank) continue;
      best = i;
      best_rank = found->second.first;
    }
    if (best == ids.size()) return ids;
    ids[best] = table.at({ids[best], ids[best + 1]}).second;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

TEST(Merges, ShortAndLongWordsEqualThePlainDefinition) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    Table table;
    const uint32_t letters = 2 + random() % 4;
    const uint32_t count = 1 + random() % 60;
    Merges merges(count);
    // Each merge joins tokens that exist already, and makes a new one.
    for (uint32_t rank = 0; rank < count; ++rank) {
      const auto any = [&] { return static_cast<int32_t>(random() % (letters + rank)); };
      const auto left = any(), right = any(), id = static_cast<int32_t>(letters + rank);
      if (table.contains({left, right})) continue;
      table[{left, right}] = {rank, id};
      merges.add(left, right, rank, id);
    }
    std::vector<int32_t> ids(random() % 160);
    std::vector<Token> tokens;
    for (auto& id : ids) {
      id = static_cast<int32_t>(random() % letters);
      const auto at = static_cast<uint32_t>(tokens.size());
      tokens.push_back({id, at, at + 1});
    }
    merges.apply(tokens, 0);
    std::vector<int32_t> merged;
    uint32_t at = 0;
    for (const auto& token : tokens) {
      merged.push_back(token.id);
      EXPECT_EQ(token.begin, at);
      at = token.end;
    }
    EXPECT_EQ(merged, merge_plainly(ids, table));
    EXPECT_EQ(at, ids.size());
  }
}

}  // namespace
}  // namespace tunewright::text

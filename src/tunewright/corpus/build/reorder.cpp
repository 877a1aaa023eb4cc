#include "tunewright/corpus/build/reorder.h"

#include <algorithm>
#include <cstring>

#include "tunewright/base/error.h"
#include "tunewright/base/spool.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::corpus {
namespace {

constexpr int64_t kMostBuckets = 256;

struct Head {
  int64_t place = 0, origin = 0, size = 0;
};

// Places are dealt out to buckets of consecutive ones, each small enough for memory.
struct Buckets {
  std::vector<Spool> spools;
  int64_t places = 0;  // of each
};

Buckets make_buckets(size_t rows, const fs::path& folder) {
  const auto count = static_cast<int64_t>(rows);
  Buckets buckets{.places = std::max(kRowsPerShard, (count + kMostBuckets - 1) / kMostBuckets)};
  for (int64_t first = 0; first < std::max<int64_t>(1, count); first += buckets.places)
    buckets.spools.push_back(Spool::unnamed_in(folder));
  return buckets;
}

void append(Spool& spool, const Head& head, const std::string& line) {
  spool.append({reinterpret_cast<const char*>(&head), sizeof head});
  spool.append(line);
}

// Writes one bucket's rows in order.
void write_bucket(Spool& spool, const Shard& shard) {
  spool.flush();
  std::string bytes(static_cast<size_t>(spool.size()), '\0');
  spool.read(0, bytes);
  struct Row {
    Head head;
    std::string_view line;
  };
  std::vector<Row> rows;
  for (std::string_view left = bytes; !left.empty();) {
    Head head;
    std::memcpy(&head, left.data(), sizeof head);
    rows.push_back({head, left.substr(sizeof head, static_cast<size_t>(head.size))});
    left.remove_prefix(sizeof head + static_cast<size_t>(head.size));
  }
  std::ranges::stable_sort(rows, {}, [](const Row& row) { return row.head.place; });
  ChainResult result;
  for (const auto& [head, line] : rows) {
    result.rows.push_back(
        {.origin = head.origin, .row = head.place, .line = std::string(line), .refused = {}});
  }
  ShardWriter writer(shard);
  writer.add(std::move(result));
  writer.commit();
}

// For each input row its place, or -1.
std::vector<int64_t> places_of(const std::vector<int64_t>& order) {
  const auto last = order.empty() ? -1 : std::ranges::max(order);
  std::vector<int64_t> places(static_cast<size_t>(last + 1), -1);
  for (size_t place = 0; place < order.size(); ++place) {
    TUNEWRIGHT_ASSERT(order[place] >= 0);
    places[static_cast<size_t>(order[place])] = static_cast<int64_t>(place);
  }
  return places;
}

}  // namespace

std::vector<Shard> reorder(const StageShards& judged, const std::vector<int64_t>& order,
                           const ReorderOptions& options, const PassView& view) {
  const auto places = places_of(order);
  auto buckets = make_buckets(order.size(), options.folder);
  for (const auto& shard : judged) {
    const auto parents = shard.shard.read_facts().parents;
    for_each_batch(shard, 0, [&](std::vector<TracedRow>&& batch) {
      for (const auto& row : batch) {
        const auto parent = parents[static_cast<size_t>(row.row)];
        const auto place =
            parent < std::ssize(places) ? places[static_cast<size_t>(parent)] : int64_t{-1};
        if (place < 0) throw InternalError(str("an order without row ", parent));
        append(buckets.spools[static_cast<size_t>(place / buckets.places)],
               {place, row.origin, std::ssize(row.line)}, row.line);
      }
    });
    view.reporter.progress(view.label, &shard - judged.data() + 1, std::ssize(judged), "shards",
                           "");
  }
  view.reporter.finish_progress();
  std::vector<Shard> shards;
  for (auto& spool : buckets.spools) {
    check_stop();
    shards.push_back(options.shard(shards.size()));
    write_bucket(spool, shards.back());
    spool = Spool::unnamed_in(options.folder);  // gives the space back
  }
  return shards;
}

}  // namespace tunewright::corpus

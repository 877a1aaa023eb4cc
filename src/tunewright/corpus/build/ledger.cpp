#include "tunewright/corpus/build/ledger.h"

#include <algorithm>
#include <optional>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::corpus {
namespace {

// The events of one stage by the number of the source row.
class EventStream {
 public:
  EventStream(const StageShards& shards, bool is_sorted) : shards_(shards) {
    if (!is_sorted) sort_all();
  }

  // Takes those of row `origin`; asked for growing numbers.
  template <class Use>
  void take(int64_t origin, const Use& use) {
    while (true) {
      while (next_ == events_.size()) {
        if (!load()) return;
      }
      if (events_[next_].origin != origin) return;
      use(events_[next_++]);
    }
  }

 private:
  bool load() {
    if (shard_ == shards_.size()) return false;
    const auto& shard = shards_[shard_++];
    events_ = shard.shard.read_facts().events;
    for (auto& event : events_) event.origin += shard.first_origin;
    next_ = 0;
    return true;
  }

  void sort_all() {
    std::vector<RowEvent> all;
    while (load()) std::ranges::move(events_, std::back_inserter(all));
    std::ranges::stable_sort(all, {}, &RowEvent::origin);
    events_ = std::move(all);
    next_ = 0;
  }

  const StageShards& shards_;
  size_t shard_ = 0;
  std::vector<RowEvent> events_;
  size_t next_ = 0;
};

// What was done to one row.
struct Story {
  std::vector<std::string> changes;
  std::optional<RowEvent> end;
};

class LedgerWriter {
 public:
  LedgerWriter(const LedgerInput& input, const fs::path& path) : input_(input), file_(path) {}

  void write(const RowName& name, uint8_t fate, const Story& story) {
    Json line = {{"source", name.source}, {"row", name.row}};
    ++counts_.rows;
    if (fate == 0) {
      if (!story.end) {
        throw InternalError(str(name.source, ": row ", name.row,
                                ": is in no file that is written, and no step has dropped it"));
      }
      ++counts_.dropped;
      line["decision"] = decision_name(Decision::kDropped);
      line["reason"] = story.end->reason;
      line["step"] = input_.steps[static_cast<size_t>(story.end->step)];
    } else {
      ++(story.changes.empty() ? counts_.kept : counts_.changed);
      line["decision"] =
          decision_name(story.changes.empty() ? Decision::kKept : Decision::kChanged);
      if (!story.changes.empty()) line["reason"] = join(story.changes, "; ");
      line["split"] = input_.splits[fate - 1U];
    }
    (buffer_ += dump_json(line)) += '\n';
    if (buffer_.size() >= kBatchBytes) flush();
  }

  LedgerCounts commit() {
    flush();
    file_.commit();
    return counts_;
  }

 private:
  void flush() {
    file_.write(std::string_view(buffer_));
    buffer_.clear();
  }

  const LedgerInput& input_;
  AtomicFile file_;
  std::string buffer_;
  LedgerCounts counts_;
};

}  // namespace

LedgerCounts write_ledger(const LedgerInput& input, const fs::path& path,
                          std::map<int64_t, RowName>& names, Reporter& reporter) {
  std::vector<EventStream> streams;
  streams.reserve(input.events.size());
  for (size_t i = 0; i < input.events.size(); ++i)
    streams.emplace_back(*input.events[i], input.is_sorted[i]);
  LedgerWriter writer(input, path);
  int64_t origin = 0;
  auto wanted = names.begin();
  for (const auto& shard : input.first) {
    for (const auto& run : shard.shard.read_facts().runs) {
      for (int64_t i = 0; i < run.count; ++i, ++origin) {
        const RowName name{run.source, run.first_row + i};
        if (wanted != names.end() && wanted->first == origin) (wanted++)->second = name;
        Story story;
        for (auto& stream : streams) {
          stream.take(origin, [&](RowEvent& event) {
            if (event.decision == Decision::kChanged) {
              story.changes.push_back(str(input.steps[static_cast<size_t>(event.step)],
                                          event.reason.empty() ? "" : ": ", event.reason));
            } else if (!story.end) {
              story.end = std::move(event);
            }
          });
        }
        writer.write(name, input.fates[static_cast<size_t>(origin)], story);
      }
    }
    check_stop();
    reporter.progress("ledger", origin, std::ssize(input.fates), "rows", "");
  }
  reporter.finish_progress();
  return writer.commit();
}

}  // namespace tunewright::corpus

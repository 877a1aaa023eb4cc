#include "tunewright/corpus/build/first_stage.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/base/system.h"

namespace tunewright::corpus {
namespace {

std::string padded(size_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%06zu", number);
  return text;
}

Shard shard_of(const fs::path& folder, size_t unit, int64_t block) {
  return {folder, str("read-", padded(unit), "-", padded(static_cast<size_t>(block)))};
}

// Written when a unit was read to its end.
fs::path unit_file(const fs::path& folder, size_t unit) {
  return folder / str("unit-", padded(unit), ".json");
}

// What steps before the first barrier are told as a row's number: it grows along the input, and is
// the row's own wherever the work is done.
int64_t row_number(size_t unit, int64_t row) { return static_cast<int64_t>(unit) << 36 | row; }

// Reads a unit and works on those of its shards that are wanted.
class UnitWork {
 public:
  struct Place {
    const FirstStageOptions& options;
    size_t unit;
    bool is_whole;
  };
  UnitWork(const Place& place, const Chain& chain)
      : place_(place), runner_(chain, place.options.workers) {}

  void use(rows::SourceRow&& row) {
    auto* writer = begin_row();
    if (writer == nullptr) return;
    writer->add_input(row.source, row.row);
    put(*writer, row.json_line(), "");
  }
  void set_aside(rows::SetAside&& aside) {
    auto* writer = begin_row();
    if (writer == nullptr) return;
    writer->add_input(aside.source, aside.row);
    put(*writer, "", std::move(aside.reason));
  }
  void finish() {
    end_shard();
    blocks_ = (rows_ + kRowsPerShard - 1) / kRowsPerShard;
  }
  int64_t rows() const { return rows_; }
  int64_t blocks() const { return blocks_; }

  static bool is_mine(const Place& place, int64_t block) {
    const auto turn = static_cast<int64_t>(place.unit) + (place.is_whole ? 0 : block);
    return turn % place.options.jobs == place.options.job;
  }

 private:
  // The writer of the next row's shard; null: that shard is not to be made.
  ShardWriter* begin_row() {
    const auto row = rows_++;
    if (row % kRowsPerShard == 0) {
      end_shard();
      const auto block = row / kRowsPerShard;
      auto shard = shard_of(place_.options.folder, place_.unit, block);
      if (is_mine(place_, block) && !shard.is_finished()) writer_.emplace(std::move(shard));
    }
    return writer_ ? &*writer_ : nullptr;
  }

  void put(ShardWriter& writer, std::string line, std::string reason) {
    bytes_ += line.size() + 1;
    batch_.push_back({.origin = writer.rows_in() - 1,
                      .row = row_number(place_.unit, rows_ - 1),
                      .line = std::move(line),
                      .refused = std::move(reason)});
    if (bytes_ >= kBatchBytes) hand_over();
  }

  void hand_over() {
    check_stop();
    runner_.put(std::exchange(batch_, {}),
                [&](ChainResult&& result) { writer_->add(std::move(result)); });
    bytes_ = 0;
  }

  void end_shard() {
    check_stop();
    if (!writer_) return;
    if (!batch_.empty()) hand_over();
    runner_.finish([&](ChainResult&& result) { writer_->add(std::move(result)); });
    writer_->commit();
    writer_.reset();
  }

  Place place_;
  ChainRunner runner_;
  std::optional<ShardWriter> writer_;
  std::vector<TracedRow> batch_;
  size_t bytes_ = 0;
  int64_t rows_ = 0, blocks_ = 0;
};

bool is_finished(const fs::path& folder, const UnitWork::Place& place) {
  const auto file = unit_file(folder, place.unit);
  if (!fs::exists(file)) return false;
  const int64_t blocks = read_json(file)["blocks"];
  for (int64_t block = 0; block < blocks; ++block) {
    if (UnitWork::is_mine(place, block) && !shard_of(folder, place.unit, block).is_finished())
      return false;
  }
  return true;
}

Json to_json(const UnitReport& report, int64_t blocks) {
  return {{"blocks", blocks},
          {"files", report.files},
          {"cut_off", report.cut_off},
          {"formats", report.formats},
          {"notes", report.notes}};
}

UnitReport unit_report(const Json& json) {
  return {.files = json["files"],
          .cut_off = json["cut_off"],
          .formats = json["formats"].get<std::map<std::string, int64_t>>(),
          .notes = json["notes"].get<std::vector<std::string>>()};
}

[[noreturn]] void fail_missing(size_t unit, const fs::path& folder) {
  throw UserError(str("not all shards are made (the first that is missing: part ", unit,
                      " of the input, in ", folder.string(),
                      "); wait for the jobs of the array, run those that failed again, or let "
                      "`tunewright data build` do what is left"));
}

}  // namespace

void run_first_stage(const Input& input, const Chain& chain, const FirstStageOptions& options,
                     Reporter& reporter) {
  int64_t rows = 0;
  for (size_t u = 0; u < input.units.size(); ++u) {
    const auto& unit = input.units[u];
    const UnitWork::Place place{options, u, unit.is_whole};
    if (unit.is_whole && !UnitWork::is_mine(place, 0)) continue;
    if (is_finished(options.folder, place)) continue;
    UnitWork work(place, chain);
    const auto show = [&] {
      if (work.rows() % 256 == 0) {
        reporter.progress("reading", rows + work.rows(), 0, "rows",
                          str("part ", u + 1, " of ", input.units.size()));
      }
    };
    const auto report = read_unit(
        unit,
        [&](rows::SourceRow&& row) {
          work.use(std::move(row));
          show();
        },
        [&](rows::SetAside&& aside) {
          work.set_aside(std::move(aside));
          show();
        });
    work.finish();
    rows += work.rows();
    if (static_cast<int64_t>(u) % options.jobs == options.job) {
      write_file_atomic(unit_file(options.folder, u), dump_json(to_json(report, work.blocks())));
    }
  }
  reporter.finish_progress();
}

FirstStageResult gather_first_stage(const Input& input, const fs::path& folder) {
  FirstStageResult result{.names = RowNames(folder)};
  int64_t origin = 0;
  std::string first_refused;
  for (size_t u = 0; u < input.units.size(); ++u) {
    if (!fs::exists(unit_file(folder, u))) fail_missing(u, folder);
    const auto unit = read_json(unit_file(folder, u));
    result.units.push_back(unit_report(unit));
    for (int64_t block = 0; block < unit["blocks"].get<int64_t>(); ++block) {
      auto shard = shard_of(folder, u, block);
      if (!shard.is_finished()) fail_missing(u, folder);
      auto facts = shard.read_facts();
      result.shards.push_back({std::move(shard), origin, std::ssize(facts.origins)});
      result.first_origins.push_back(origin);
      origin += facts.rows_in;
      for (const auto& run : facts.runs) result.names.add(run);
      result.texts.add(facts.texts);
      if (first_refused.empty() && !facts.events.empty() && !facts.runs.empty()) {
        const auto& run = facts.runs.front();  // where no row can be read, its first is the event's
        first_refused = str("the first, ", run.source, " row ", run.first_row, ": ",
                            facts.events.front().reason);
      }
      result.reading.add(std::move(facts.steps[kReading]));
    }
  }
  result.first_origins.push_back(origin);
  if (result.reading.kept == 0) {
    throw UserError(str("sources: none of the ", origin, " rows can be read",
                        first_refused.empty() ? "" : "; " + first_refused));
  }
  return result;
}

}  // namespace tunewright::corpus

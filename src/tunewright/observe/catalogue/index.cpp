#include "tunewright/observe/catalogue/index.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tunewright/base/error.h"
#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/version.h"

namespace tunewright::observe {
namespace {

constexpr int kBusyMilliseconds = 5000;
constexpr int kLayout = 1;  // of the records; another number makes the index anew

// What SQLite says; inside this file only.
class IndexError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Database {
 public:
  explicit Database(const fs::path& file) : handle_(nullptr, &sqlite3_close) {
    sqlite3* raw = nullptr;
    const int code = sqlite3_open(file.c_str(), &raw);
    handle_.reset(raw);
    if (code != SQLITE_OK) fail();
    sqlite3_busy_timeout(raw, kBusyMilliseconds);
  }

  // Runs one statement; `row` gets the columns' texts of each row.
  template <class Row>
  void run(const std::string& sql, const std::vector<std::string>& values, const Row& row) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) fail();
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw,
                                                                               &sqlite3_finalize);
    for (size_t i = 0; i < values.size(); ++i) {
      sqlite3_bind_text(raw, static_cast<int>(i) + 1, values[i].data(),
                        static_cast<int>(values[i].size()), nullptr);
    }
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(raw)) == SQLITE_ROW) {
      std::vector<std::string> columns;
      for (int i = 0; i < sqlite3_column_count(raw); ++i) {
        const auto* text = sqlite3_column_text(raw, i);
        columns.emplace_back(text ? reinterpret_cast<const char*>(text) : "");
      }
      row(columns);
    }
    if (code != SQLITE_DONE) fail();
  }
  void run(const std::string& sql, const std::vector<std::string>& values = {}) {
    run(sql, values, [](const auto&) {});
  }

 private:
  [[noreturn]] void fail() { throw IndexError(sqlite3_errmsg(handle_.get())); }
  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> handle_;
};

// Sizes and times of the files that a record is made from.
std::string stamp_of(const fs::path& folder) {
  std::string stamp;
  for (const auto* name : {"config.yaml", "manifest.json", "metrics.jsonl", "report.json"}) {
    std::error_code code;
    const auto size = fs::file_size(folder / name, code);
    if (code) {
      stamp += "-;";
      continue;
    }
    const auto time = fs::last_write_time(folder / name, code).time_since_epoch().count();
    stamp += str(size, "@", time, ";");
  }
  return stamp;
}

struct Entry {
  std::string stamp;
  RunRecord run;
};
using Entries = std::map<std::string, Entry>;  // by name

std::string layout_name() { return str(kLayout, "/", version()); }

Entries read_entries(Database& database, const fs::path& root) {
  database.run("CREATE TABLE IF NOT EXISTS layout (name TEXT)");
  std::string layout;
  database.run("SELECT name FROM layout", {}, [&](const auto& row) { layout = row[0]; });
  if (layout != layout_name()) {
    database.run("DROP TABLE IF EXISTS runs");
    database.run("DELETE FROM layout");
    database.run("INSERT INTO layout VALUES (?)", {layout_name()});
  }
  database.run(
      "CREATE TABLE IF NOT EXISTS runs (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, facts TEXT NOT "
      "NULL)");
  Entries entries;
  database.run("SELECT name, stamp, facts FROM runs", {}, [&](const auto& row) {
    try {
      entries[row[0]] = {row[1],
                         {.name = row[0], .path = root / row[0], .facts = parse_json(row[2], "")}};
    } catch (const UserError&) {
      return;  // as if it were not there: it is read again
    }
  });
  return entries;
}

void write_changes(Database& database, const Entries& before, const Entries& now) {
  std::set<std::string> gone, changed;
  for (const auto& [name, entry] : before) {
    if (!now.contains(name)) gone.insert(name);
  }
  for (const auto& [name, entry] : now) {
    const auto it = before.find(name);
    if (it == before.end() || it->second.stamp != entry.stamp) changed.insert(name);
  }
  if (gone.empty() && changed.empty()) return;
  database.run("BEGIN IMMEDIATE");
  for (const auto& name : gone) database.run("DELETE FROM runs WHERE name = ?", {name});
  for (const auto& name : changed) {
    const auto& entry = now.at(name);
    database.run("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)",
                 {name, entry.stamp, dump_json(entry.run.facts)});
  }
  database.run("COMMIT");
}

// The folders as they are, with `known` taken where nothing changed.
Entries look_at_folders(const fs::path& root, const Entries& known) {
  Entries now;
  for (const auto& folder : find_run_folders(root)) {
    const auto name = folder.lexically_proximate(root).generic_string();
    auto stamp = stamp_of(folder);
    const auto it = known.find(name);
    const bool current = it != known.end() && it->second.stamp == stamp;
    now[name] = current ? it->second : Entry{std::move(stamp), read_run(root, folder)};
  }
  return now;
}

Entries through_index(const fs::path& root, const fs::path& file) {
  Database database(file);
  const auto before = read_entries(database, root);
  auto now = look_at_folders(root, before);
  write_changes(database, before, now);
  return now;
}

Entries load_entries(const fs::path& root, Reporter& reporter) {
  const auto file = root / "index.sqlite";
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      return through_index(root, file);
    } catch (const IndexError& error) {
      // Nothing is lost with it: the folders hold everything.
      std::error_code code;
      if (attempt == 1 || !fs::remove(file, code)) {
        reporter.warn(str(file.string(), ": cannot be used (", error.what(),
                          "); the run folders are read instead"));
        break;
      }
    }
  }
  return look_at_folders(root, {});
}

}  // namespace

std::vector<RunRecord> load_catalogue(const fs::path& root, Reporter& reporter) {
  if (!fs::is_directory(root))
    throw UserError(str(root.string(), ": is no folder; --root names the one that holds the runs"));
  std::vector<RunRecord> runs;
  if (find_run_folders(root).empty()) return runs;
  for (auto& [name, entry] : load_entries(root, reporter)) runs.push_back(std::move(entry.run));
  std::ranges::stable_sort(runs, [](const RunRecord& a, const RunRecord& b) {
    return a.facts.value("started", "") > b.facts.value("started", "");
  });
  return runs;
}

}  // namespace tunewright::observe

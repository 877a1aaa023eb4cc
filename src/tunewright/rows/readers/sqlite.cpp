// Queries of SQLite files.
#include <sqlite3.h>

#include <cmath>
#include <memory>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

[[noreturn]] void fail(sqlite3* database) {
  throw UserError(str("SQLite: ", sqlite3_errmsg(database)));
}

Database open_database(const std::filesystem::path& path) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
  Database database(raw, &sqlite3_close);
  if (code != SQLITE_OK) fail(raw);
  return database;
}

Statement prepare(sqlite3* database, const std::string& query) {
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v2(database, query.c_str(), static_cast<int>(query.size()), &raw, &rest) !=
      SQLITE_OK)
    fail(database);
  Statement statement(raw, &sqlite3_finalize);
  if (raw == nullptr) throw UserError("query: is empty");
  if (!trim(rest).empty()) throw UserError("query: expected one statement, got several");
  if (sqlite3_stmt_readonly(raw) == 0) throw UserError("query: expected one that only reads");
  return statement;
}

// The only table, or a UserError that lists them.
std::string whole_table(sqlite3* database) {
  const auto statement = prepare(database,
                                 "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                                 "AND name NOT LIKE 'sqlite_%' ORDER BY name");
  std::vector<std::string> tables;
  int code = 0;
  while ((code = sqlite3_step(statement.get())) == SQLITE_ROW)
    tables.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0)));
  if (code != SQLITE_DONE) fail(database);
  if (tables.size() != 1)
    throw UserError(str("holds ", tables.size(), " tables (", excerpt(join(tables, ", "), 200),
                        "); say which rows by `query`, as SELECT … FROM … ORDER BY …"));
  return str("SELECT * FROM \"", replace_all(tables.front(), "\"", "\"\""), "\"");
}

Json value_at(sqlite3_stmt* statement, int column) {
  const auto bytes = [&] {
    const auto* data = sqlite3_column_blob(statement, column);
    return std::string_view(static_cast<const char*>(data),
                            static_cast<size_t>(sqlite3_column_bytes(statement, column)));
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT:
      return std::string(bytes());
    case SQLITE_BLOB:
      return bytes_value(bytes());
    default:
      return nullptr;
  }
}

void use_row(sqlite3_stmt* statement, const std::vector<std::string>& columns, Sink& sink) {
  Json row = Json::object();
  for (size_t i = 0; i < columns.size(); ++i) {
    auto value = value_at(statement, static_cast<int>(i));
    if (value.is_string()) {
      if (const auto problem = text_problem(value.get_ref<const std::string&>()))
        return sink.set_aside(str("column '", excerpt(columns[i], 30), "': ", *problem));
    }
    row[columns[i]] = std::move(value);
  }
  sink.row(std::move(row));
}

}  // namespace

void read_sqlite(Input& input, Sink& sink) {
  const LocalFile file(input, sink.options());
  const auto database = open_database(file.path());
  sqlite3_limit(database.get(), SQLITE_LIMIT_LENGTH,
                static_cast<int>(std::min<int64_t>(sink.options().max_row_bytes, 1 << 30)));
  const auto& query = sink.options().query;
  const auto statement =
      prepare(database.get(), query.empty() ? whole_table(database.get()) : query);
  std::vector<std::string> columns;
  for (int i = 0; i < sqlite3_column_count(statement.get()); ++i)
    columns.push_back(repaired_utf8(sqlite3_column_name(statement.get(), i)));
  for (;;) {
    const int code = sqlite3_step(statement.get());
    if (code == SQLITE_DONE) return;
    if (code != SQLITE_ROW) fail(database.get());
    use_row(statement.get(), columns, sink);
  }
}

}  // namespace tunewright::rows

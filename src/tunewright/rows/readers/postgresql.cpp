// Queries of a PostgreSQL server.
#include <charconv>
#include <cmath>
#include <pqxx/pqxx>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr int kRowsAtOnce = 256;

// Of PostgreSQL's catalogue (pg_type), the types that are more than text in JSON.
enum Type : unsigned {
  kBoolean = 16,
  kBytes = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kJson = 114,
  kFloat4 = 700,
  kFloat8 = 701,
  kJsonb = 3802,
  kBooleans = 1000,
  kInt2s = 1005,
  kInt4s = 1007,
  kTexts = 1009,
  kVarchars = 1015,
  kInt8s = 1016,
  kFloat4s = 1021,
  kFloat8s = 1022
};

Json number_value(std::string_view text) {
  int64_t whole = 0;
  const auto* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, whole).ptr == end) return whole;
  double real = 0;
  if (std::from_chars(text.data(), end, real).ptr != end) return std::string(text);
  return std::isfinite(real) ? Json(real) : Json(nullptr);
}

Json value_of(std::string_view text, unsigned type) {
  switch (type) {
    case kBoolean:
    case kBooleans:
      return text == "t";
    case kInt2:
    case kInt4:
    case kInt8:
    case kFloat4:
    case kFloat8:
    case kInt2s:
    case kInt4s:
    case kInt8s:
    case kFloat4s:
    case kFloat8s:
      return number_value(text);
    case kJson:
    case kJsonb:
      return parse_json(text, "a JSON column");
    default:
      return std::string(text);
  }
}

bool is_list(unsigned type) {
  switch (type) {
    case kBooleans:
    case kInt2s:
    case kInt4s:
    case kTexts:
    case kVarchars:
    case kInt8s:
    case kFloat4s:
    case kFloat8s:
      return true;
    default:
      return false;
  }
}

// "{a,\"b c\",NULL,{…}}"; inner lists of any depth.
Json list_value(const pqxx::field& field, unsigned type) {
  Json root = Json::array();
  std::vector<Json*> open;
  auto parser = field.as_array();
  for (auto [what, text] = parser.get_next(); what != pqxx::array_parser::juncture::done;
       std::tie(what, text) = parser.get_next()) {
    using juncture = pqxx::array_parser::juncture;
    if (what == juncture::row_start) {
      if (open.empty()) {
        open.push_back(&root);
      } else {
        open.back()->push_back(Json::array());
        open.push_back(&open.back()->back());
      }
    } else if (open.empty()) {
      break;
    } else if (what == juncture::row_end) {
      open.pop_back();
    } else {
      open.back()->push_back(what == juncture::null_value ? Json(nullptr) : value_of(text, type));
    }
  }
  return root;
}

Json field_value(const pqxx::field& field) {
  if (field.is_null()) return nullptr;
  const auto type = static_cast<unsigned>(field.type());
  if (type == kBytes) return bytes_value(pqxx::binarystring(field).str());
  if (is_list(type)) return list_value(field, type);
  return value_of({field.c_str(), field.size()}, type);
}

void use_row(const pqxx::row& from, Sink& sink) {
  int64_t bytes = 0;
  for (const auto& field : from) bytes += static_cast<int64_t>(field.size());
  if (bytes > sink.options().max_row_bytes)
    return sink.set_aside(too_long_reason("the row", sink.options().max_row_bytes));
  Json row = Json::object();
  try {
    for (const auto& field : from) row[field.name()] = field_value(field);
  } catch (const UserError& error) {
    return sink.set_aside(error.what());
  }
  sink.row(std::move(row));
}

// The server's message, without what a connection string may hold.
std::string first_line(const std::exception& error) {
  const std::string text = error.what();
  return std::string(trim(text.substr(0, text.find('\n'))));
}

void run_query(pqxx::connection& connection, Sink& sink) {
  pqxx::read_transaction work(connection);
  work.exec0(str("DECLARE tunewright_rows NO SCROLL CURSOR FOR ", sink.options().query));
  for (;;) {
    const auto rows = work.exec(str("FETCH ", kRowsAtOnce, " FROM tunewright_rows"));
    for (const auto& row : rows) use_row(row, sink);
    if (rows.size() < kRowsAtOnce) return;
  }
}

}  // namespace

std::string without_password(const std::string& url) {
  auto shown = url.substr(0, url.find('?'));
  const auto begin = shown.find("://");
  const auto at = shown.rfind('@');
  if (begin == std::string::npos || at == std::string::npos) return shown;
  const auto colon = shown.find(':', begin + 3);
  return colon < at ? shown.erase(colon, at - colon) : shown;
}

void read_postgresql(const std::string& url, Sink& sink) {
  if (trim(sink.options().query).empty())
    throw UserError("needs a `query`, as SELECT … FROM … ORDER BY …");
  try {
    pqxx::connection connection(url);
    connection.set_client_encoding("UTF8");
    run_query(connection, sink);
  } catch (const pqxx::failure& error) {
    throw UserError(str("PostgreSQL: ", first_line(error)));
  }
}

}  // namespace tunewright::rows

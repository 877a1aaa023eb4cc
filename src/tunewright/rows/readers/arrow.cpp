// Parquet, and Arrow's own files and streams, by Arrow C++: the one place that includes it.
#include <arrow/array.h>
#include <arrow/config.h>
#include <arrow/extension_type.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>

#include <cmath>
#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr int64_t kRowsAtOnce = 256;
constexpr int kMaxDepth = 64;

void check(const ::arrow::Status& status) {
  if (!status.ok()) throw UserError(str("broken file: ", excerpt(status.message(), 300)));
}

template <class T>
T value_or_error(::arrow::Result<T> result) {
  check(result.status());
  return std::move(result).ValueUnsafe();
}

// The names of a column's classes, where Hugging Face's features give any: of the column's numbers,
// or of those in its lists.
using ClassNames = std::map<std::string, std::vector<std::string>>;

const Json* class_label_in(const Json& feature) {
  const auto* at = &feature;
  for (int depth = 0; depth < 4 && (at->is_object() || at->is_array()); ++depth) {
    if (at->is_array()) {
      if (at->size() != 1) return nullptr;
      at = &at->front();
    } else if (at->value("_type", "") == "ClassLabel" && at->contains("names")) {
      return &at->at("names");
    } else if (at->contains("feature")) {
      at = &at->at("feature");
    } else {
      return nullptr;
    }
  }
  return nullptr;
}

ClassNames class_names(const ::arrow::Schema& schema) {
  ClassNames names;
  if (!schema.metadata()) return names;
  const auto text = schema.metadata()->Get("huggingface");
  if (!text.ok()) return names;
  const auto json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("info") || !json["info"].is_object()) return names;
  const auto features = json["info"].value("features", Json::object());
  for (const auto& [column, feature] : features.items()) {
    const auto* list = class_label_in(feature);
    if (list == nullptr || !list->is_array()) continue;
    for (const auto& name : *list)
      names[column].push_back(name.is_string() ? name.get<std::string>() : dump_json(name));
  }
  return names;
}

// Numbers of classes as their names; -1 is Hugging Face's "no label".
Json with_class_names(Json value, const std::vector<std::string>& names) {
  if (value.is_array()) {
    for (auto& item : value) item = with_class_names(std::move(item), names);
  } else if (value.is_number_integer()) {
    const auto index = value.get<int64_t>();
    if (index >= 0 && index < static_cast<int64_t>(names.size()))
      return names[static_cast<size_t>(index)];
    if (index == -1) return nullptr;
  }
  return value;
}

Json text_value(std::string_view text) {
  if (const auto problem = text_problem(text)) throw UserError(*problem);
  return std::string(text);
}

template <class Array>
Json real_value(const ::arrow::Array& array, int64_t i) {
  const double value = static_cast<const Array&>(array).Value(i);
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

template <class Array>
Json value_as(const ::arrow::Array& array, int64_t i) {
  return static_cast<const Array&>(array).Value(i);
}

Json array_value(const ::arrow::Array& array, int64_t i, int depth);

Json items_of(const ::arrow::Array& values, int64_t begin, int64_t count, int depth) {
  Json list = Json::array();
  for (int64_t k = 0; k < count; ++k) list.push_back(array_value(values, begin + k, depth));
  return list;
}

template <class Array>
Json list_value(const ::arrow::Array& array, int64_t i, int depth) {
  const auto& list = static_cast<const Array&>(array);
  return items_of(*list.values(), list.value_offset(i), list.value_length(i), depth);
}

Json struct_value(const ::arrow::StructArray& array, int64_t i, int depth) {
  Json object = Json::object();
  for (int k = 0; k < array.num_fields(); ++k)
    object[array.type()->field(k)->name()] = array_value(*array.field(k), i, depth);
  return object;
}

// An object where the keys are text, else a list of pairs.
Json map_value(const ::arrow::MapArray& array, int64_t i, int depth) {
  Json object = Json::object();
  Json pairs = Json::array();
  for (int64_t k = array.value_offset(i); k < array.value_offset(i + 1); ++k) {
    auto key = array_value(*array.keys(), k, depth);
    auto value = array_value(*array.items(), k, depth);
    if (key.is_string()) object[key.get<std::string>()] = value;
    pairs.push_back({std::move(key), std::move(value)});
  }
  return object.size() == pairs.size() ? object : pairs;
}

// Decimals, dates, times and what else has no form in JSON, as Arrow writes it.
Json scalar_text(const ::arrow::Array& array, int64_t i) {
  return text_value(value_or_error(array.GetScalar(i))->ToString());
}

// "2024-05-01 12:00:00.000000" as ISO 8601.
Json timestamp_value(const ::arrow::Array& array, int64_t i) {
  auto text = scalar_text(array, i).get<std::string>();
  if (const auto space = text.find(' '); space != std::string::npos) text[space] = 'T';
  const auto point = text.rfind('.');
  const bool whole =
      point != std::string::npos && text.find_first_not_of('0', point + 1) == std::string::npos;
  if (whole) text.resize(point);
  return text;
}

Json array_value(const ::arrow::Array& array, int64_t i, int depth) {
  using Type = ::arrow::Type;
  if (depth == 0) throw UserError(str("values nested deeper than ", kMaxDepth, " levels"));
  if (array.IsNull(i)) return nullptr;
  switch (array.type_id()) {
    case Type::NA:
      return nullptr;
    case Type::BOOL:
      return value_as<::arrow::BooleanArray>(array, i);
    case Type::UINT8:
      return value_as<::arrow::UInt8Array>(array, i);
    case Type::INT8:
      return value_as<::arrow::Int8Array>(array, i);
    case Type::UINT16:
      return value_as<::arrow::UInt16Array>(array, i);
    case Type::INT16:
      return value_as<::arrow::Int16Array>(array, i);
    case Type::UINT32:
      return value_as<::arrow::UInt32Array>(array, i);
    case Type::INT32:
      return value_as<::arrow::Int32Array>(array, i);
    case Type::UINT64:
      return value_as<::arrow::UInt64Array>(array, i);
    case Type::INT64:
      return value_as<::arrow::Int64Array>(array, i);
    case Type::FLOAT:
      return real_value<::arrow::FloatArray>(array, i);
    case Type::DOUBLE:
      return real_value<::arrow::DoubleArray>(array, i);
    case Type::STRING:
      return text_value(static_cast<const ::arrow::StringArray&>(array).GetView(i));
    case Type::LARGE_STRING:
      return text_value(static_cast<const ::arrow::LargeStringArray&>(array).GetView(i));
    case Type::STRING_VIEW:
      return text_value(static_cast<const ::arrow::StringViewArray&>(array).GetView(i));
    case Type::BINARY:
      return bytes_value(static_cast<const ::arrow::BinaryArray&>(array).GetView(i));
    case Type::LARGE_BINARY:
      return bytes_value(static_cast<const ::arrow::LargeBinaryArray&>(array).GetView(i));
    case Type::BINARY_VIEW:
      return bytes_value(static_cast<const ::arrow::BinaryViewArray&>(array).GetView(i));
    case Type::FIXED_SIZE_BINARY:
      return bytes_value(static_cast<const ::arrow::FixedSizeBinaryArray&>(array).GetView(i));
    case Type::LIST:
      return list_value<::arrow::ListArray>(array, i, depth - 1);
    case Type::LARGE_LIST:
      return list_value<::arrow::LargeListArray>(array, i, depth - 1);
    case Type::FIXED_SIZE_LIST:
      return list_value<::arrow::FixedSizeListArray>(array, i, depth - 1);
    case Type::STRUCT:
      return struct_value(static_cast<const ::arrow::StructArray&>(array), i, depth - 1);
    case Type::MAP:
      return map_value(static_cast<const ::arrow::MapArray&>(array), i, depth - 1);
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const ::arrow::DictionaryArray&>(array);
      const auto index = coded.GetValueIndex(i);
      if (index < 0 || index >= coded.dictionary()->length())
        throw UserError("an index outside of its dictionary");
      return array_value(*coded.dictionary(), index, depth - 1);
    }
    case Type::EXTENSION:
      return array_value(*static_cast<const ::arrow::ExtensionArray&>(array).storage(), i,
                         depth - 1);
    case Type::TIMESTAMP:
      return timestamp_value(array, i);
    default:
      return scalar_text(array, i);
  }
}

Json row_of(const ::arrow::RecordBatch& batch, int64_t i, const ClassNames& names) {
  Json row = Json::object();
  for (int k = 0; k < batch.num_columns(); ++k) {
    const auto& name = batch.column_name(k);
    try {
      row[name] = array_value(*batch.column(k), i, kMaxDepth);
    } catch (const UserError& error) {
      throw UserError(str("column '", excerpt(name, 30), "': ", error.what()));
    }
    if (const auto it = names.find(name); it != names.end())
      row[name] = with_class_names(std::move(row[name]), it->second);
  }
  return row;
}

void use_batch(const ::arrow::RecordBatch& batch, const ClassNames& names, Sink& sink) {
  for (int64_t i = 0; i < batch.num_rows(); ++i) {
    Json row;
    try {
      row = row_of(batch, i, names);
    } catch (const UserError& error) {
      sink.set_aside(error.what());
      continue;
    }
    sink.row(std::move(row));
  }
}

// Arrow's own files hold offsets as they lie in memory: looked at before anything follows them.
void use_untrusted_batch(const ::arrow::RecordBatch& batch, const ClassNames& names, Sink& sink) {
  check(batch.ValidateFull());
  use_batch(batch, names, sink);
}

void use_batches(::arrow::RecordBatchReader& reader, bool trusted, Sink& sink) {
  const auto names = class_names(*reader.schema());
  for (;;) {
    std::shared_ptr<::arrow::RecordBatch> batch;
    check(reader.ReadNext(&batch));
    if (!batch) return;
    (trusted ? use_batch : use_untrusted_batch)(*batch, names, sink);
  }
}

std::shared_ptr<::arrow::io::ReadableFile> open_file(const std::filesystem::path& path) {
  return value_or_error(::arrow::io::ReadableFile::Open(path.string()));
}

// An IPC file has a list of its batches at the end; a stream has none.
void read_arrow_file(const std::filesystem::path& path, Sink& sink) {
  const auto file = open_file(path);
  const auto opened = ::arrow::ipc::RecordBatchFileReader::Open(file);
  const auto reader = value_or_error(opened);
  const auto names = class_names(*reader->schema());
  for (int i = 0; i < reader->num_record_batches(); ++i)
    use_untrusted_batch(*value_or_error(reader->ReadRecordBatch(i)), names, sink);
}

void read_arrow_stream(const std::filesystem::path& path, Sink& sink) {
  const auto reader = value_or_error(::arrow::ipc::RecordBatchStreamReader::Open(open_file(path)));
  use_batches(*reader, /*trusted=*/false, sink);
}

void read_parquet_file(const std::filesystem::path& path, Sink& sink) {
  // Pages as they come, not whole row groups: one of those may be the whole file.
  parquet::ReaderProperties properties;
  properties.enable_buffered_stream();
  parquet::ArrowReaderProperties arrow_properties;
  arrow_properties.set_batch_size(kRowsAtOnce);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  check(builder.Open(open_file(path), properties));
  builder.properties(arrow_properties);
  const auto reader = value_or_error(builder.Build());
  const auto batches = value_or_error(reader->GetRecordBatchReader());
  use_batches(*batches, /*trusted=*/true, sink);
}

// Arrow reports by status; what its decoders throw all the same means a broken file too.
template <class Read>
void guarded(const Read& read) {
  try {
    read();
  } catch (const parquet::ParquetException& error) {
    throw UserError(str("broken file: ", excerpt(error.what(), 300)));
  } catch (const std::bad_alloc&) {
    throw UserError("broken file: it claims more data than fits into memory");
  }
}

}  // namespace

void read_parquet(Input& input, Sink& sink) {
  const LocalFile file(input, sink.options());
  guarded([&] { read_parquet_file(file.path(), sink); });
}

void read_arrow(Input& input, Sink& sink) {
  const bool is_file = input.stream.peek(6) == "ARROW1";
  const LocalFile file(input, sink.options());
  guarded([&] {
    if (is_file) {
      read_arrow_file(file.path(), sink);
    } else {
      read_arrow_stream(file.path(), sink);
    }
  });
}

}  // namespace tunewright::rows

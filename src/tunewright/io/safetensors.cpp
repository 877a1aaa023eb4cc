#include "tunewright/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::io {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr int kMaxHeaderDepth = 4;
constexpr std::string_view kMetadataKey = "__metadata__";

// Sorted keys: looking one up in a header of a million names must not take a million steps.
using Tree = nlohmann::json;

std::string dump(const Tree& value) {
  return value.dump(-1, ' ', false, Tree::error_handler_t::replace);
}

[[noreturn]] void reject(std::string_view where, const std::string& problem) {
  throw UserError(str(where, ": not a valid safetensors file: ", problem));
}

[[noreturn]] void reject_tensor(std::string_view where, std::string_view name,
                                const std::string& problem) {
  throw UserError(str(where, ": tensor '", excerpt(name), "': ", problem));
}

uint64_t little_endian_64(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
  return value;
}

// A repeated key would silently hide a tensor, so the parser watches for one.
Tree parse_header_json(std::string_view text, std::string_view where) {
  std::set<std::string> seen;
  const auto watch = [&](int depth, Tree::parse_event_t event, Tree& value) {
    if (depth > kMaxHeaderDepth)
      reject(where, str("its header is nested deeper than ", kMaxHeaderDepth, " levels"));
    if (event == Tree::parse_event_t::key && depth == 1 &&
        !seen.insert(value.get<std::string>()).second) {
      reject(where,
             str("the name '", excerpt(value.get<std::string>()), "' stands twice in its header"));
    }
    return true;
  };
  try {
    return Tree::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    reject(where, str("its header is not JSON: ", excerpt(error.what(), 120)));
  }
}

const Tree& member(const Tree& entry, const char* key, std::string_view where,
                   std::string_view name) {
  if (!entry.is_object() || !entry.contains(key))
    reject_tensor(where, name, str("no '", key, "' in the header"));
  return entry[key];
}

int64_t count_of(const Tree& value, const char* key, std::string_view where,
                 std::string_view name) {
  const bool fits =
      value.is_number_unsigned() &&
      value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (!fits) {
    reject_tensor(where, name,
                  str("'", key, "' has ", excerpt(dump(value), 40),
                      " where a whole number from 0 to 2^63 - 1 must be"));
  }
  return value.get<int64_t>();
}

std::vector<int64_t> counts_of(const Tree& list, const char* key, std::string_view where,
                               std::string_view name) {
  if (!list.is_array())
    reject_tensor(where, name, str("'", key, "' is a ", list.type_name(), ", not a list"));
  std::vector<int64_t> counts;
  for (const auto& value : list) counts.push_back(count_of(value, key, where, name));
  return counts;
}

// Bytes of a tensor, or a UserError where the product overflows.
size_t tensor_bytes(const SafetensorsHeader::Entry& entry, std::string_view where,
                    std::string_view name) {
  size_t bytes = dtype_bytes(entry.dtype);
  for (const auto extent : entry.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes)) {
      reject_tensor(where, name, "its shape holds more than 2^64 bytes");
    }
  }
  return bytes;
}

struct DataRange {
  size_t begin;  // of the data, from the file's start
  size_t size;
};

SafetensorsHeader::Entry parse_entry(const Tree& json, DataRange data, std::string_view where,
                                     std::string_view name) {
  const auto& dtype_json = member(json, "dtype", where, name);
  const auto dtype_text = dtype_json.is_string() ? dtype_json.get<std::string>() : dump(dtype_json);
  const auto dtype = dtype_of(dtype_text);
  if (!dtype) {
    reject_tensor(
        where, name,
        str("unknown dtype '", excerpt(dtype_text), "'; known: ", join(dtype_names(), ", ")));
  }
  SafetensorsHeader::Entry entry{.dtype = *dtype};
  entry.shape = counts_of(member(json, "shape", where, name), "shape", where, name);
  const auto offsets =
      counts_of(member(json, "data_offsets", where, name), "data_offsets", where, name);
  if (offsets.size() != 2) reject_tensor(where, name, "'data_offsets' must have two numbers");
  const auto begin = static_cast<size_t>(offsets[0]), end = static_cast<size_t>(offsets[1]);
  if (begin > end)
    reject_tensor(where, name, str("it begins at byte ", begin, " and ends before, at ", end));
  if (end > data.size) {
    reject_tensor(where, name,
                  str("it ends at byte ", end, " of the data but the file has only ", data.size,
                      "; it may be cut off: fetch it again"));
  }
  const auto needed = tensor_bytes(entry, where, name);
  if (needed != end - begin) {
    reject_tensor(where, name,
                  str("its dtype ", dtype_text, " and shape need ", needed, " bytes, but it has ",
                      end - begin));
  }
  entry.begin = data.begin + begin;
  entry.end = data.begin + end;
  return entry;
}

// Tensors must tile the data: no hole where bytes could hide, no byte used twice.
void check_tiling(const SafetensorsHeader& header, DataRange data, std::string_view where) {
  using Item = std::pair<const std::string, SafetensorsHeader::Entry>;
  std::vector<const Item*> items;
  for (const auto& item : header.tensors) items.push_back(&item);
  std::sort(items.begin(), items.end(), [](const Item* a, const Item* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  size_t position = data.begin;
  for (const auto* item : items) {
    const auto begin = item->second.begin;
    if (begin < position) {
      reject_tensor(where, item->first,
                    str("it overlaps the tensor before it by ", position - begin, " bytes"));
    }
    if (begin > position) {
      reject_tensor(where, item->first,
                    str("a hole of ", begin - position, " bytes lies before it"));
    }
    position = item->second.end;
  }
  if (position != data.begin + data.size) {
    reject(where,
           str("its tensors end at byte ", position, " but the file has ", data.begin + data.size));
  }
}

std::map<std::string, std::string> parse_metadata(const Tree& json, std::string_view where) {
  if (!json.is_object())
    reject(where, str("'__metadata__' is a ", json.type_name(), ", not an object"));
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string())
      reject(where, str("'__metadata__' has a ", value.type_name(), " at '", excerpt(key), "'"));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

size_t header_length(std::span<const std::byte> file, std::string_view where) {
  if (file.size() < kLengthBytes) {
    reject(where, str("it has ", file.size(), " bytes, and its header's length alone takes 8"));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with("version https://git-lfs")) {
    reject(where, "it is a Git LFS pointer; fetch the real file with `git lfs pull`");
  }
  const auto length = little_endian_64(file);
  if (length > kMaxHeaderBytes) {
    reject(where,
           str("it says that its header has ", length, " bytes; the limit is ", kMaxHeaderBytes));
  }
  if (length > file.size() - kLengthBytes) {
    reject(where, str("its header of ", length, " bytes does not fit in a file of ", file.size(),
                      " bytes; it may be cut off: fetch it again"));
  }
  return static_cast<size_t>(length);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file,
                                           std::string_view where) {
  const auto length = header_length(file, where);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  const auto json = parse_header_json(text, where);
  if (!json.is_object())
    reject(where, str("its header is a ", json.type_name(), ", not an object"));
  const DataRange data{.begin = kLengthBytes + length, .size = file.size() - kLengthBytes - length};
  SafetensorsHeader header;
  for (const auto& [name, value] : json.items()) {
    if (name == kMetadataKey) {
      header.metadata = parse_metadata(value, where);
    } else {
      header.tensors.emplace(name, parse_entry(value, data, where, name));
    }
  }
  check_tiling(header, data, where);
  return header;
}

namespace {

std::vector<fs::path> shards_of_index(const fs::path& index,
                                      std::map<std::string, std::string>& weight_map) {
  const auto json = read_json(index);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw UserError(
        str(index.string(), ": no object 'weight_map', which says in which file each tensor is"));
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    const auto name = file.is_string() ? file.get<std::string>() : std::string();
    if (name.empty() || fs::path(name).filename() != name || name == "..") {
      throw UserError(str(index.string(), ": tensor '", excerpt(tensor),
                          "' must name a file of this folder, got ", excerpt(dump_json(file))));
    }
    weight_map[tensor] = name;
    names.insert(name);
  }
  std::vector<fs::path> shards;
  for (const auto& name : names) {
    const auto shard = index.parent_path() / name;
    if (!fs::exists(shard)) {
      throw UserError(str(index.string(), ": the file '", name,
                          "' that it names is missing; fetch the model again"));
    }
    shards.push_back(shard);
  }
  return shards;
}

std::vector<fs::path> files_of(const fs::path& place,
                               std::map<std::string, std::string>& weight_map) {
  if (!fs::is_directory(place)) return {place};
  const auto single = place / "model.safetensors";
  if (fs::exists(single)) return {single};
  const auto index = place / "model.safetensors.index.json";
  if (fs::exists(index)) return shards_of_index(index, weight_map);
  throw UserError(str(place.string(),
                      ": no model.safetensors and no model.safetensors.index.json in this folder; ",
                      "`tunewright pull` makes a folder with one"));
}

}  // namespace

Safetensors Safetensors::open(const fs::path& file_or_folder) {
  Safetensors result;
  std::map<std::string, std::string> weight_map;
  for (const auto& path : files_of(file_or_folder, weight_map)) {
    MappedFile file(path);
    auto header = parse_safetensors_header(file.bytes(), path.string());
    for (auto& [name, entry] : header.tensors) {
      const bool fresh =
          result.places_.emplace(name, Place{result.files_.size(), std::move(entry)}).second;
      if (!fresh)
        throw UserError(str(path.string(), ": tensor '", excerpt(name),
                            "' is in another file of the model too"));
    }
    result.metadata_.merge(header.metadata);
    result.files_.push_back(std::move(file));
  }
  for (const auto& [name, file] : weight_map) {
    const auto place = result.places_.find(name);
    if (place == result.places_.end() ||
        result.files_[place->second.file].path().filename() != file) {
      throw UserError(str((file_or_folder / file).string(), ": tensor '", excerpt(name),
                          "' is not in this file, where the index says it is"));
    }
  }
  return result;
}

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> names;
  for (const auto& [name, place] : places_) names.push_back(name);
  return names;
}

bool Safetensors::contains(const std::string& name) const { return places_.contains(name); }

TensorView Safetensors::get(const std::string& name) const {
  const auto found = places_.find(name);
  if (found == places_.end()) {
    const auto near = nearest(name, names());
    const auto where = files_.empty() ? std::string("safetensors") : files_.front().path().string();
    throw UserError(str(
        where, ": no tensor '", name, "'",
        near.empty() ? str(" among its ", places_.size()) : str(" (the nearest is '", near, "')")));
  }
  const auto& [file, entry] = found->second;
  return {entry.dtype, entry.shape,
          files_[file].bytes().subspan(entry.begin, entry.end - entry.begin)};
}

SafetensorsWriter::SafetensorsWriter(const fs::path& path, std::span<const Entry> entries,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path) {
  Json header = Json::object();
  if (!metadata.empty()) {
    header[std::string(kMetadataKey)] = Json::object();
    for (const auto& [key, value] : metadata) header[std::string(kMetadataKey)][key] = value;
  }
  size_t position = 0;
  for (const auto& [name, dtype, shape] : entries) {
    size_t size = dtype_bytes(dtype);
    for (const auto extent : shape) size *= static_cast<size_t>(extent);
    TUNEWRIGHT_ASSERT(!header.contains(name));
    header[name] = {{"dtype", dtype_name(dtype)},
                    {"shape", shape},
                    {"data_offsets", {position, position + size}}};
    position += size;
    sizes_.push_back(size);
  }
  auto text = dump_json(header);
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>(text.size() >> (8 * i));
  file_.write(length);
  file_.write(text);
}

void SafetensorsWriter::write(std::span<const std::byte> tensor) {
  TUNEWRIGHT_ASSERT(next_ < sizes_.size() && tensor.size() == sizes_[next_]);
  file_.write(tensor);
  ++next_;
}

void SafetensorsWriter::finish() {
  TUNEWRIGHT_ASSERT(next_ == sizes_.size());
  file_.commit();
}

void write_safetensors(const fs::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<SafetensorsWriter::Entry> entries;
  for (const auto& [name, view] : tensors) entries.push_back({name, view.dtype, view.shape});
  SafetensorsWriter writer(path, entries, metadata);
  for (const auto& [name, view] : tensors) writer.write(view.bytes);
  writer.finish();
}

}  // namespace tunewright::io

#include "tunewright/io/gguf.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/io/gguf_types.h"

namespace tunewright::io {
namespace {

constexpr uint64_t kMaxMetadata = 10'000, kMaxTensors = 1'000'000, kMaxDimensions = 8;
constexpr uint64_t kMaxListLength = 1 << 24;
constexpr int kMaxListDepth = 4;
constexpr uint64_t kMaxAlignment = 1 << 20, kDefaultAlignment = 32;

// Numbers of the format's metadata types.
enum class Kind : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kList,
  kU64,
  kI64,
  kF64
};
constexpr uint32_t kKinds = 13;

bool is_utf8(std::string_view text) {
  size_t i = 0;
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  while (i < text.size()) {
    const unsigned first = byte(i);
    const size_t length = first < 0x80   ? 1
                          : first < 0xc2 ? 0
                          : first < 0xe0 ? 2
                          : first < 0xf0 ? 3
                          : first < 0xf5 ? 4
                                         : 0;
    if (length == 0) return false;
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0U) != 0x80) return false;
    }
    const unsigned second = byte(i + 1);
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool out_of_range = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    if (overlong || out_of_range) return false;
    i += length;
  }
  return true;
}

// Walks the bytes; every step is checked against the file's end.
class Cursor {
 public:
  Cursor(std::span<const std::byte> file, std::string_view where) : file_(file), where_(where) {}

  [[noreturn]] void reject(const std::string& problem) const {
    throw UserError(str(where_, ": not a valid GGUF file: ", problem));
  }
  size_t position() const { return position_; }
  size_t left() const { return file_.size() - position_; }

  template <class T>
  T number(std::string_view what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string text(std::string_view what) {
    const auto length = number<uint64_t>(what);
    const auto bytes = take(length, what);
    const std::string_view view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!is_utf8(view)) reject(str(what, " is not UTF-8: '", excerpt(view), "'"));
    return std::string(view);
  }

  Json value(const std::string& key) { return value_of(kind(key), key, 0); }

 private:
  std::span<const std::byte> take(uint64_t count, std::string_view what) {
    if (count > left()) {
      reject(str(what, " needs ", count, " bytes at byte ", position_, " but the file has ",
                 file_.size(), "; it may be cut off: fetch it again"));
    }
    const auto bytes = file_.subspan(position_, count);
    position_ += count;
    return bytes;
  }

  Kind kind(const std::string& key) {
    const auto number_of_kind = number<uint32_t>(str("the type of '", key, "'"));
    if (number_of_kind >= kKinds) reject(str("'", key, "' has the unknown type ", number_of_kind));
    return static_cast<Kind>(number_of_kind);
  }

  Json list(const std::string& key, int depth) {
    if (depth >= kMaxListDepth)
      reject(str("'", key, "' is a list nested deeper than ", kMaxListDepth));
    const auto item_kind = kind(key);
    const auto count = number<uint64_t>(key);
    // Each item takes a byte at least, so a count beyond what is left is a lie.
    if (count > left() || count > kMaxListLength) {
      reject(str("the list '", key, "' says it has ", count, " items; the file has ", left(),
                 " bytes left, and the limit is ", kMaxListLength));
    }
    auto items = Json::array();
    for (uint64_t i = 0; i < count; ++i) items.push_back(value_of(item_kind, key, depth + 1));
    return items;
  }

  Json value_of(Kind kind, const std::string& key, int depth) {
    switch (kind) {
      case Kind::kU8:
        return number<uint8_t>(key);
      case Kind::kI8:
        return number<int8_t>(key);
      case Kind::kU16:
        return number<uint16_t>(key);
      case Kind::kI16:
        return number<int16_t>(key);
      case Kind::kU32:
        return number<uint32_t>(key);
      case Kind::kI32:
        return number<int32_t>(key);
      case Kind::kF32:
        return number<float>(key);
      case Kind::kBool:
        return number<uint8_t>(key) != 0;
      case Kind::kString:
        return text(str("'", key, "'"));
      case Kind::kList:
        return list(key, depth);
      case Kind::kU64:
        return number<uint64_t>(key);
      case Kind::kI64:
        return number<int64_t>(key);
      case Kind::kF64:
        return number<double>(key);
    }
    reject(str("'", key, "' has an unknown type"));
  }

  std::span<const std::byte> file_;
  std::string_view where_;
  size_t position_ = 0;
};

void read_version(Cursor& cursor, GgufHeader& header) {
  if (cursor.left() < 4 || cursor.number<uint32_t>("the magic number") != 0x46554747U) {
    cursor.reject("it does not begin with 'GGUF'");
  }
  header.version = cursor.number<uint32_t>("the version");
  if ((header.version & 0xffffU) == 0)
    cursor.reject("it is big-endian; convert it to little-endian");
  if (header.version != 2 && header.version != 3)
    cursor.reject(str("version ", header.version, "; known: 2, 3"));
}

uint64_t read_count(Cursor& cursor, std::string_view what, uint64_t limit) {
  const auto count = cursor.number<uint64_t>(what);
  if (count > limit || count > cursor.left())
    cursor.reject(str(what, " is ", count, "; the limit is ", limit));
  return count;
}

void read_metadata(Cursor& cursor, uint64_t count, GgufHeader& header) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto key = cursor.text("a metadata key");
    if (header.metadata.contains(key))
      cursor.reject(str("the key '", excerpt(key), "' stands twice"));
    header.metadata[key] = cursor.value(key);
  }
}

uint64_t alignment_of(const Cursor& cursor, const GgufHeader& header) {
  const auto found = header.metadata.find("general.alignment");
  if (found == header.metadata.end()) return kDefaultAlignment;
  const auto alignment = found->is_number_unsigned() ? found->get<uint64_t>() : 0;
  if (!std::has_single_bit(alignment) || alignment > kMaxAlignment) {
    cursor.reject(str("general.alignment must be a power of two up to ", kMaxAlignment, ", got ",
                      excerpt(dump_json(*found))));
  }
  return alignment;
}

// Bytes of a tensor, or a UserError where the count overflows or rows do not fill whole blocks.
size_t tensor_bytes(const Cursor& cursor, const std::string& name, const GgufTensor& tensor) {
  const auto& traits = ggml_traits(tensor.type);
  uint64_t values = 1, bytes = 0;
  for (const auto extent : tensor.shape) {
    if (__builtin_mul_overflow(values, static_cast<uint64_t>(extent), &values)) {
      cursor.reject(str("tensor '", excerpt(name), "': its shape holds more than 2^64 numbers"));
    }
  }
  const auto row = tensor.shape.empty() ? 1 : static_cast<uint64_t>(tensor.shape.back());
  if (row % traits.values != 0) {
    cursor.reject(str("tensor '", excerpt(name), "': rows of ", row,
                      " numbers do not fill the blocks of ", traits.values, " of type ",
                      traits.name));
  }
  if (__builtin_mul_overflow(values / traits.values, static_cast<uint64_t>(traits.bytes), &bytes)) {
    cursor.reject(str("tensor '", excerpt(name), "': its shape holds more than 2^64 bytes"));
  }
  return bytes;
}

// `begin` and `end` still count from the start of the data.
GgufTensor read_tensor(Cursor& cursor, const std::string& name, uint64_t alignment) {
  const auto what = str("tensor '", excerpt(name), "'");
  const auto dimensions = cursor.number<uint32_t>(what);
  if (dimensions > kMaxDimensions)
    cursor.reject(str(what, " has ", dimensions, " dimensions; the limit is ", kMaxDimensions));
  GgufTensor tensor;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto extent = cursor.number<uint64_t>(what);
    if (extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      cursor.reject(str(what, " has the extent ", extent));
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(extent));
  }
  const auto type_number = cursor.number<uint32_t>(what);
  const auto type = ggml_type_of(type_number);
  if (!type) {
    cursor.reject(str(what, " has the storage type ", type_number,
                      ", which is not supported; supported: ", ggml_type_names(),
                      "; take a file of one of these"));
  }
  tensor.type = *type;
  tensor.begin = cursor.number<uint64_t>(what);
  if (tensor.begin % alignment != 0) {
    cursor.reject(str(what, " begins at byte ", tensor.begin,
                      " of the data, which is no multiple of the alignment ", alignment));
  }
  if (__builtin_add_overflow(tensor.begin, tensor_bytes(cursor, name, tensor), &tensor.end)) {
    cursor.reject(str(what, " ends past byte 2^64"));
  }
  return tensor;
}

void check_overlap(const Cursor& cursor, const GgufHeader& header) {
  using Item = std::pair<const std::string, GgufTensor>;
  std::vector<const Item*> items;
  for (const auto& item : header.tensors) items.push_back(&item);
  std::ranges::sort(
      items, {}, [](const Item* item) { return std::pair(item->second.begin, item->second.end); });
  for (size_t i = 1; i < items.size(); ++i) {
    if (items[i]->second.begin < items[i - 1]->second.end) {
      cursor.reject(str("tensor '", excerpt(items[i]->first), "' overlaps tensor '",
                        excerpt(items[i - 1]->first), "'"));
    }
  }
}

// Moves the tensors behind the header, into the file.
void place_tensors(const Cursor& cursor, size_t file_bytes, uint64_t alignment,
                   GgufHeader& header) {
  const size_t data_begin = (cursor.position() + alignment - 1) / alignment * alignment;
  const size_t data_bytes = file_bytes > data_begin ? file_bytes - data_begin : 0;
  for (auto& [name, tensor] : header.tensors) {
    if (data_begin > file_bytes || tensor.end > data_bytes) {
      cursor.reject(str("tensor '", excerpt(name), "' ends at byte ", tensor.end,
                        " of the data but the file has only ", data_bytes,
                        "; it may be cut off: fetch it again"));
    }
    tensor.begin += data_begin;
    tensor.end += data_begin;
  }
}

}  // namespace

GgufHeader parse_gguf_header(std::span<const std::byte> file, std::string_view where) {
  Cursor cursor(file, where);
  GgufHeader header;
  read_version(cursor, header);
  const auto tensor_count = read_count(cursor, "the number of tensors", kMaxTensors);
  read_metadata(cursor, read_count(cursor, "the number of metadata keys", kMaxMetadata), header);
  const auto alignment = alignment_of(cursor, header);
  for (uint64_t i = 0; i < tensor_count; ++i) {
    const auto name = cursor.text("a tensor's name");
    if (!header.tensors.emplace(name, read_tensor(cursor, name, alignment)).second) {
      cursor.reject(str("the tensor name '", excerpt(name), "' stands twice"));
    }
  }
  place_tensors(cursor, file.size(), alignment, header);
  check_overlap(cursor, header);
  return header;
}

Gguf Gguf::open(const fs::path& path) {
  Gguf gguf{MappedFile(path)};
  gguf.header_ = parse_gguf_header(gguf.file_.bytes(), path.string());
  return gguf;
}

std::span<const std::byte> Gguf::bytes(const GgufTensor& tensor) const {
  return file_.bytes().subspan(tensor.begin, tensor.end - tensor.begin);
}

}  // namespace tunewright::io

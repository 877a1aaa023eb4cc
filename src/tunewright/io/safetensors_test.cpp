#include "tunewright/io/safetensors.h"

#include <algorithm>
#include <numeric>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright::io {
namespace {

using testing::source_path;
using testing::TemporaryFolder;

std::string file_text(const std::string& header, size_t data_bytes) {
  std::string text(8, '\0');
  for (size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> (8 * i));
  return text + header + std::string(data_bytes, 'x');
}

SafetensorsHeader parse(const std::string& text) {
  return parse_safetensors_header(std::as_bytes(std::span(text)), "m");
}

SafetensorsHeader parse(const std::string& header, size_t data_bytes) {
  return parse(file_text(header, data_bytes));
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return str("\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":", shape,
             ",\"data_offsets\":", offsets, "}");
}

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0F);
  return values;
}

TensorView view_of(const std::vector<float>& values, std::vector<int64_t> shape) {
  return {DType::kF32, std::move(shape), std::as_bytes(std::span(values))};
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
  return std::ranges::equal(a, b);
}

// The library's file read and written again is the library's file, byte for byte.
TEST(Safetensors, EqualsTheLibraryByteForByte) {
  const auto golden = source_path("tests/golden/all_dtypes.safetensors");
  const auto file = Safetensors::open(golden);
  const auto header = parse_safetensors_header(MappedFile(golden).bytes(), "golden");
  std::vector<NamedTensor> tensors;
  for (const auto& name : file.names()) tensors.push_back({name, file.get(name)});
  std::sort(tensors.begin(), tensors.end(), [&](const auto& a, const auto& b) {
    const auto& [left, right] = std::pair(header.tensors.at(a.name), header.tensors.at(b.name));
    return std::tuple(left.begin, left.end, a.name) < std::tuple(right.begin, right.end, b.name);
  });
  EXPECT_EQ(tensors.size(), 17U);
  TemporaryFolder folder;
  write_safetensors(folder / "copy.safetensors", tensors, file.metadata());
  EXPECT_EQ(read_file(folder / "copy.safetensors"), read_file(golden));
}

TEST(Safetensors, ReadsEveryDtype) {
  const auto file = Safetensors::open(source_path("tests/golden/all_dtypes.safetensors"));
  for (const auto& name : dtype_names()) {
    const auto view = file.get(to_lower(name));
    EXPECT_EQ(dtype_name(view.dtype), name);
    EXPECT_EQ(view.shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(view.bytes.size(), 6 * dtype_bytes(view.dtype));
  }
  EXPECT_EQ(file.get("empty").shape, (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(file.get("scalar").shape, std::vector<int64_t>{});
  const auto expected = ramp(6);
  EXPECT_TRUE(same(file.get("f32").bytes, std::as_bytes(std::span(expected))));
}

TEST(Safetensors, RoundTripKeepsOrderNamesAndMetadata) {
  TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  const auto weights = ramp(12), bias = ramp(4);
  const std::vector<NamedTensor> tensors = {{"z", view_of(weights, {3, 4})},
                                            {"ä \"quoted\"", view_of(bias, {4})}};
  write_safetensors(path, tensors, {{"format", "pt"}, {"note", "x"}});
  const auto file = Safetensors::open(path);
  EXPECT_EQ(file.metadata().at("note"), "x");
  EXPECT_TRUE(file.contains("z"));
  EXPECT_TRUE(same(file.get("z").bytes, tensors[0].view.bytes));
  EXPECT_TRUE(same(file.get("ä \"quoted\"").bytes, tensors[1].view.bytes));
  const auto header = parse_safetensors_header(MappedFile(path).bytes(), "a");
  EXPECT_LT(header.tensors.at("z").begin, header.tensors.at("ä \"quoted\"").begin);
  EXPECT_EQ(header.tensors.at("z").begin % 8, 0U);
}

TEST(Safetensors, MissingNameNamesTheNearest) {
  const auto file = Safetensors::open(source_path("tests/golden/all_dtypes.safetensors"));
  EXPECT_USER_ERROR(file.get("scalr"), "no tensor 'scalr' (the nearest is 'scalar')");
}

class Shards : public ::testing::Test {
 protected:
  void SetUp() override {
    write_safetensors(folder_ / "model-00001-of-00002.safetensors",
                      std::vector<NamedTensor>{{"a", view_of(values_, {4})}});
    write_safetensors(folder_ / "model-00002-of-00002.safetensors",
                      std::vector<NamedTensor>{{"b", view_of(values_, {2, 2})}});
  }
  void write_index(const std::string& a, const std::string& b) {
    write_file_atomic(
        folder_ / "model.safetensors.index.json",
        str(R"({"metadata":{"total_size":32},"weight_map":{"a":")", a, R"(","b":")", b, "\"}}"));
  }
  std::vector<float> values_ = ramp(4);
  TemporaryFolder folder_;
};

TEST_F(Shards, OpenAsOne) {
  write_index("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
  const auto model = Safetensors::open(folder_.path());
  EXPECT_EQ(model.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(same(model.get("b").bytes, std::as_bytes(std::span(values_))));
}

TEST_F(Shards, IndexThatLies) {
  write_index("model-00001-of-00002.safetensors", "model-00001-of-00002.safetensors");
  EXPECT_USER_ERROR(Safetensors::open(folder_.path()),
                    "tensor 'b' is not in this file, where the index says it is");
  write_index("model-00001-of-00002.safetensors", "model-00003-of-00003.safetensors");
  EXPECT_USER_ERROR(Safetensors::open(folder_.path()),
                    "'model-00003-of-00003.safetensors' that it names is missing");
  write_index("model-00001-of-00002.safetensors", "../model-00002-of-00002.safetensors");
  EXPECT_USER_ERROR(Safetensors::open(folder_.path()), "must name a file of this folder");
  write_file_atomic(folder_ / "model.safetensors.index.json", "[]");
  EXPECT_USER_ERROR(Safetensors::open(folder_.path()), "no object 'weight_map'");
}

TEST_F(Shards, FolderWithoutWeights) {
  EXPECT_USER_ERROR(Safetensors::open(folder_.path()),
                    "no model.safetensors and no model.safetensors.index.json");
  EXPECT_USER_ERROR(Safetensors::open(folder_ / "absent.safetensors"), "cannot open");
}

TEST(SafetensorsHeader, AcceptsTilingInAnyOrderAndEmptyTensors) {
  const auto header =
      parse("{" + entry("b", "F32", "[1]", "[4,8]") + "," + entry("e", "F32", "[0]", "[4,4]") +
                "," + entry("a", "F32", "[]", "[0,4]") + "}   ",
            8);
  EXPECT_EQ(header.tensors.size(), 3U);
  EXPECT_EQ(header.tensors.at("b").end - header.tensors.at("a").begin, 8U);
}

TEST(SafetensorsHeader, LengthThatLies) {
  EXPECT_USER_ERROR(parse(""), "0 bytes, and its header's length alone takes 8");
  EXPECT_USER_ERROR(parse("1234567"), "7 bytes");
  EXPECT_USER_ERROR(parse(std::string("\0\0\0\0\0\0\0\x80{}", 10)),
                    "9223372036854775808 bytes; the limit is 100000000");
  EXPECT_USER_ERROR(parse(std::string("\x64\0\0\0\0\0\0\0{}", 10)),
                    "does not fit in a file of 10 bytes");
  EXPECT_USER_ERROR(parse("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer");
}

TEST(SafetensorsHeader, TruncatedAnywhereIsAUserError) {
  const auto golden = read_file(source_path("tests/golden/all_dtypes.safetensors"));
  for (size_t size = 0; size < golden.size(); ++size)
    EXPECT_THROW(parse(golden.substr(0, size)), UserError) << size;
}

TEST(SafetensorsHeader, NotJson) {
  EXPECT_USER_ERROR(parse("{\"a\":", 0), "its header is not JSON");
  EXPECT_USER_ERROR(parse("[]", 0), "its header is a array, not an object");
  EXPECT_USER_ERROR(parse("\xff\xfe", 0), "its header is not JSON");
  EXPECT_USER_ERROR(parse(std::string(5000, '['), 0), "nested deeper");
}

TEST(SafetensorsHeader, OffsetsThatLie) {
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[2]", "[0,8]") + "}", 4),
                    "tensor 'a': it ends at byte 8 of the data but the file has only 4");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[1]", "[4,0]") + "}", 4),
                    "begins at byte 4 and ends before");
  EXPECT_USER_ERROR(
      parse("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[2,6]") + "}",
            6),
      "overlaps the tensor before it by 2 bytes");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[1]", "[0,4]") + "," +
                              entry("b", "F32", "[1]", "[8,12]") + "}",
                          12),
                    "a hole of 4 bytes lies before it");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[1]", "[0,4]") + "}", 8),
                    "its tensors end at byte");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[1]", "[0,18446744073709551615]") + "}", 4),
                    "whole number from 0 to 2^63 - 1");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[1]", "[0]") + "}", 4), "must have two numbers");
}

TEST(SafetensorsHeader, ShapesAndDtypesThatLie) {
  EXPECT_USER_ERROR(parse("{" + entry("a", "F16", "[2]", "[0,8]") + "}", 8),
                    "dtype F16 and shape need 4 bytes, but it has 8");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F31", "[2]", "[0,8]") + "}", 8),
                    "unknown dtype 'F31'; known: BOOL");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", 4), "'shape' has -1");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[1.0]", "[0,4]") + "}", 4), "'shape' has 1.0");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "[4294967296,4294967296]", "[0,4]") + "}", 4),
                    "more than 2^64 bytes");
  EXPECT_USER_ERROR(parse("{" + entry("a", "F32", "3", "[0,4]") + "}", 4),
                    "'shape' is a number, not a list");
  EXPECT_USER_ERROR(parse("{\"a\":{\"dtype\":\"F32\"}}", 0),
                    "tensor 'a': no 'shape' in the header");
  EXPECT_USER_ERROR(parse("{\"a\":3}", 0), "tensor 'a': no 'dtype' in the header");
}

TEST(SafetensorsHeader, NamesThatStandTwice) {
  EXPECT_USER_ERROR(
      parse("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("a", "F32", "[1]", "[0,4]") + "}",
            4),
      "the name 'a' stands twice");
  EXPECT_USER_ERROR(parse(R"({"__metadata__":{"a":1}})", 0), "'__metadata__' has a number at 'a'");
  EXPECT_USER_ERROR(parse(R"({"__metadata__":[]})", 0), "'__metadata__' is a array");
}

}  // namespace
}  // namespace tunewright::io

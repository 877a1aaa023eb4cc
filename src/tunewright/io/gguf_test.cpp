#include "tunewright/io/gguf.h"

#include <bit>
#include <cstring>

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/io/gguf_types.h"
#include "tunewright/io/safetensors.h"

namespace tunewright::io {
namespace {

using testing::source_path;
using testing::TemporaryFolder;

// The bytes of a GGUF file, piece by piece.
struct Bytes {
  std::string data;

  template <class T>
  Bytes& put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    data.append(raw, sizeof(T));
    return *this;
  }
  Bytes& text(const std::string& value) {
    put<uint64_t>(value.size());
    data += value;
    return *this;
  }
  Bytes& start(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    data += "GGUF";
    return put<uint32_t>(version).put<uint64_t>(tensors).put<uint64_t>(keys);
  }
  Bytes& tensor(const std::string& name, std::vector<uint64_t> extents, uint32_t type,
                uint64_t offset) {
    text(name).put<uint32_t>(static_cast<uint32_t>(extents.size()));
    for (const auto extent : extents) put(extent);
    return put(type).put(offset);
  }
  Bytes& fill(size_t count, size_t alignment = 32) {
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    data.append(count, 'x');
    return *this;
  }
};

GgufHeader parse(const Bytes& bytes) {
  return parse_gguf_header(std::as_bytes(std::span(bytes.data)), "m.gguf");
}

Bytes whole_file(uint32_t version = 3) {
  Bytes bytes;
  bytes.start(2, 5, version);
  bytes.text("general.name").put<uint32_t>(8).text("ä model");
  bytes.text("a.count").put<uint32_t>(4).put<uint32_t>(7);
  bytes.text("a.epsilon").put<uint32_t>(6).put<float>(0.5F);
  bytes.text("a.flag").put<uint32_t>(7).put<uint8_t>(1);
  bytes.text("a.list").put<uint32_t>(9).put<uint32_t>(8).put<uint64_t>(2).text("x").text("yz");
  bytes.tensor("w", {32, 2}, 8, 0).tensor("b", {3}, 0, 96);
  return bytes.fill(96 + 12);
}

TEST(GgufHeader, ReadsMetadataAndTensors) {
  for (const uint32_t version : {2U, 3U}) {
    const auto bytes = whole_file(version);
    const auto header = parse(bytes);
    EXPECT_EQ(header.version, version);
    EXPECT_EQ(
        dump_json(header.metadata),
        R"({"general.name":"ä model","a.count":7,"a.epsilon":0.5,"a.flag":true,"a.list":["x","yz"]})");
    const auto& w = header.tensors.at("w");
    EXPECT_EQ(w.type, GgmlType::kQ8_0);
    EXPECT_EQ(w.shape, (std::vector<int64_t>{2, 32}));
    EXPECT_EQ(w.end - w.begin, 68U);
    EXPECT_EQ(header.tensors.at("b").end, bytes.data.size());
    EXPECT_EQ(w.begin % 32, 0U);
  }
}

TEST(GgufHeader, TruncatedAnywhereIsAUserError) {
  const auto whole = whole_file();
  for (size_t size = 0; size < whole.data.size(); ++size)
    EXPECT_THROW(parse({whole.data.substr(0, size)}), UserError) << size;
}

TEST(GgufHeader, StartsThatLie) {
  EXPECT_USER_ERROR(parse({"GGML"}), "does not begin with 'GGUF'");
  EXPECT_USER_ERROR(parse(Bytes().start(0, 0, 1)), "version 1; known: 2, 3");
  EXPECT_USER_ERROR(parse(Bytes().start(0, 0, 0x03000000)), "big-endian");
  EXPECT_USER_ERROR(parse(Bytes().start(1ULL << 60, 0)),
                    "the number of tensors is 1152921504606846976");
  EXPECT_USER_ERROR(parse(Bytes().start(0, 1ULL << 60)),
                    "the number of metadata keys is 1152921504606846976");
}

TEST(GgufHeader, MetadataThatLies) {
  EXPECT_USER_ERROR(parse(Bytes().start(0, 1).put<uint64_t>(1ULL << 62).fill(8)),
                    "a metadata key needs 4611686018427387904 bytes");
  EXPECT_USER_ERROR(parse(Bytes().start(0, 1).text("k").put<uint32_t>(13).fill(8)),
                    "'k' has the unknown type 13");
  EXPECT_USER_ERROR(parse(Bytes()
                              .start(0, 1)
                              .text("k")
                              .put<uint32_t>(9)
                              .put<uint32_t>(0)
                              .put<uint64_t>(1ULL << 60)
                              .fill(8)),
                    "the list 'k' says it has 1152921504606846976 items");
  EXPECT_USER_ERROR(parse(Bytes().start(0, 1).text("k").put<uint32_t>(8).text("\xff\xfe").fill(8)),
                    "'k' is not UTF-8");
  EXPECT_USER_ERROR(parse(Bytes()
                              .start(0, 2)
                              .text("k")
                              .put<uint32_t>(7)
                              .put<uint8_t>(1)
                              .text("k")
                              .put<uint32_t>(7)
                              .put<uint8_t>(1)),
                    "the key 'k' stands twice");
  Bytes nested;
  nested.start(0, 1).text("k").put<uint32_t>(9);
  for (int i = 0; i < 10; ++i) nested.put<uint32_t>(9).put<uint64_t>(1);
  EXPECT_USER_ERROR(parse(nested), "nested deeper than 4");
}

TEST(GgufHeader, AlignmentThatLies) {
  for (const uint32_t alignment : {0U, 3U, 1U << 30}) {
    EXPECT_USER_ERROR(
        parse(
            Bytes().start(0, 1).text("general.alignment").put<uint32_t>(4).put(alignment).fill(8)),
        str("general.alignment must be a power of two up to 1048576, got ", alignment));
  }
}

TEST(GgufHeader, TensorsThatLie) {
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {64}, 0, 0).fill(255)),
                    "tensor 't' ends at byte 256 of the data but the file has only 255");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {4}, 0, 8).fill(64)),
                    "no multiple of the alignment 32");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {31}, 2, 0).fill(64)),
                    "rows of 31 numbers do not fill the blocks of 32 of type Q4_0");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {4}, 16, 0).fill(64)),
                    "the storage type 16, which is not supported; supported: F32");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {1ULL << 40, 1ULL << 40}, 0, 0).fill(64)),
                    "more than 2^64 numbers");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {1ULL << 62, 2}, 0, 0).fill(64)),
                    "more than 2^64 bytes");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {~0ULL}, 0, 0).fill(64)),
                    "the extent 18446744073709551615");
  EXPECT_USER_ERROR(parse(Bytes().start(1, 0).tensor("t", {4}, 0, ~0ULL - 31).fill(64)),
                    "tensor 't' ends");
  EXPECT_USER_ERROR(
      parse(Bytes().start(2, 0).tensor("t", {16}, 0, 0).tensor("u", {16}, 0, 32).fill(96)),
      "tensor 'u' overlaps tensor 't'");
  EXPECT_USER_ERROR(
      parse(Bytes().start(2, 0).tensor("t", {8}, 0, 0).tensor("t", {8}, 0, 32).fill(64)),
      "the tensor name 't' stands twice");
  EXPECT_USER_ERROR(
      parse(Bytes().start(1, 0).tensor("t", std::vector<uint64_t>(9, 1), 0, 0).fill(64)),
      "9 dimensions; the limit is 8");
}

TEST(Gguf, OpensAFile) {
  TemporaryFolder folder;
  write_file_atomic(folder / "m.gguf", whole_file().data);
  const auto gguf = Gguf::open(folder / "m.gguf");
  EXPECT_EQ(gguf.bytes(gguf.header().tensors.at("w")).size(), 68U);
  EXPECT_EQ(static_cast<char>(gguf.bytes(gguf.header().tensors.at("b"))[0]), 'x');
}

// Every storage type against the `gguf` package, bit for bit.
class Dequantize : public ::testing::TestWithParam<GgmlType> {};

void expect_same_bits(GgmlType type, const TensorView& bytes, const TensorView& values) {
  std::vector<float> got(values.bytes.size() / sizeof(float)), want(got.size());
  std::memcpy(want.data(), values.bytes.data(), values.bytes.size());
  dequantize(type, bytes.bytes, got);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(got[i]), std::bit_cast<uint32_t>(want[i]))
        << "number " << i << ": " << got[i] << ", not " << want[i];
  }
}

TEST_P(Dequantize, EqualsTheReferenceBitForBit) {
  const auto golden = Safetensors::open(source_path("tests/golden/gguf_types.safetensors"));
  const std::string name(ggml_type_name(GetParam()));
  expect_same_bits(GetParam(), golden.get(name + ".bytes"), golden.get(name + ".values"));
}

INSTANTIATE_TEST_SUITE_P(Types, Dequantize,
                         ::testing::Values(GgmlType::kF16, GgmlType::kBF16, GgmlType::kQ4_0,
                                           GgmlType::kQ4_1, GgmlType::kQ5_0, GgmlType::kQ5_1,
                                           GgmlType::kQ8_0, GgmlType::kQ2_K, GgmlType::kQ3_K,
                                           GgmlType::kQ4_K, GgmlType::kQ5_K, GgmlType::kQ6_K,
                                           GgmlType::kIQ4_NL),
                         [](const auto& type) { return std::string(ggml_type_name(type.param)); });

TEST(DequantizeAll, HalvesAreExact) {
  const auto golden = Safetensors::open(source_path("tests/golden/gguf_types.safetensors"));
  expect_same_bits(GgmlType::kF16, golden.get("half.bytes"), golden.get("half.values"));
}

// Large tensors are shared between threads: the same blocks repeated give the same numbers
// repeated.
TEST(DequantizeAll, ThreadsAgree) {
  const auto golden = Safetensors::open(source_path("tests/golden/gguf_types.safetensors"));
  const auto block_bytes = golden.get("Q6_K.bytes").bytes;
  std::vector<float> once(golden.get("Q6_K.values").bytes.size() / sizeof(float));
  dequantize(GgmlType::kQ6_K, block_bytes, once);
  constexpr size_t kRepeats = 1000;
  std::vector<std::byte> many;
  for (size_t i = 0; i < kRepeats; ++i)
    many.insert(many.end(), block_bytes.begin(), block_bytes.end());
  std::vector<float> values(once.size() * kRepeats);
  dequantize(GgmlType::kQ6_K, many, values);
  for (size_t i = 0; i < kRepeats; ++i) {
    ASSERT_EQ(
        std::memcmp(values.data() + i * once.size(), once.data(), once.size() * sizeof(float)), 0)
        << i;
  }
}

}  // namespace
}  // namespace tunewright::io

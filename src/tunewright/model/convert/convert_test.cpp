#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/io/safetensors.h"
#include "tunewright/model/convert/gguf_config.h"
#include "tunewright/model/convert/gguf_to_hf.h"
#include "tunewright/model/convert/gguf_tokenizer.h"
#include "tunewright/model/convert/gguf_weights.h"
#include "tunewright/model/convert/names.h"
#include "tunewright/model/convert/pre_tokenizers.h"

namespace tunewright::model {
namespace {

using testing::source_path;
using testing::TemporaryFolder;

TEST(Names, BothDirectionsAgree) {
  for (const auto* name : {"token_embd.weight", "output_norm.weight", "output.weight",
                           "blk.0.attn_norm.weight", "blk.17.attn_q.bias", "blk.3.attn_k.weight",
                           "blk.3.attn_q_norm.weight", "blk.3.ffn_down.weight"}) {
    const auto hf = hf_name_of(name);
    ASSERT_TRUE(hf) << name;
    EXPECT_EQ(gguf_name_of(*hf), name);
  }
  EXPECT_EQ(hf_name_of("blk.12.attn_output.weight"), "model.layers.12.self_attn.o_proj.weight");
  for (const auto* name : {"", "blk", "blk.", "blk.1", "blk.x.attn_q.weight", "blk.1.attn_q",
                           "blk.1.ffn_gate_exps.weight", "rope_freqs.weight"}) {
    EXPECT_FALSE(hf_name_of(name)) << name;
  }
}

// The definition: Hugging Face rotates row i with row i + head_dim / 2, GGUF's Llama rows 2 i and 2
// i + 1.
TEST(Rotary, PairsBecomeHalves) {
  std::vector<float> values = {0, 1, 2, 3, 10, 11, 12, 13};  // two heads of width 4, one column
  undo_rotary_pairs(values, 4, 1);
  EXPECT_EQ(values, (std::vector<float>{0, 2, 1, 3, 10, 12, 11, 13}));
}

class TinyLlama : public ::testing::Test {
 protected:
  Json json(const char* name) const { return read_json(folder_ / name); }
  void convert(io::DType dtype) {
    convert_gguf(gguf_, folder_.path(), {.dtype = dtype}, silent_reporter());
  }

  fs::path gguf_ = source_path("tests/golden/tiny_llama.gguf");
  TemporaryFolder folder_;
};

TEST_F(TinyLlama, WeightsEqualThoseItWasMadeOf) {
  convert(io::DType::kF32);
  const auto expected = io::Safetensors::open(source_path("tests/golden/tiny_llama.safetensors"));
  const auto got = io::Safetensors::open(folder_.path());
  EXPECT_EQ(got.names(), expected.names());
  for (const auto& name : expected.names()) {
    EXPECT_EQ(got.get(name).shape, expected.get(name).shape) << name;
    EXPECT_TRUE(std::ranges::equal(got.get(name).bytes, expected.get(name).bytes)) << name;
  }
}

TEST_F(TinyLlama, NarrowDtypesRoundToTheNearest) {
  const auto expected = io::Safetensors::open(source_path("tests/golden/tiny_llama.safetensors"));
  for (const auto& [dtype, type, error] :
       {std::tuple(io::DType::kBF16, io::GgmlType::kBF16, 0x1p-8),
        std::tuple(io::DType::kF16, io::GgmlType::kF16, 0x1p-11)}) {
    convert(dtype);
    const auto got = io::Safetensors::open(folder_.path());
    for (const auto& name : expected.names()) {
      std::vector<float> exact(expected.get(name).bytes.size() / sizeof(float)),
          narrow(exact.size());
      std::memcpy(exact.data(), expected.get(name).bytes.data(), exact.size() * sizeof(float));
      io::dequantize(type, got.get(name).bytes, narrow);
      for (size_t i = 0; i < exact.size(); ++i) {
        // Half a unit in the last place; 2^-25 is half of float16's smallest step.
        ASSERT_LE(std::abs(exact[i] - narrow[i]), std::abs(exact[i]) * error + 0x1p-25)
            << name << " " << i;
      }
    }
  }
}

TEST_F(TinyLlama, Configuration) {
  convert(io::DType::kBF16);
  const auto config = json("config.json");
  EXPECT_EQ(config["architectures"], Json::array({"LlamaForCausalLM"}));
  EXPECT_EQ(config["dtype"], "bfloat16");
  EXPECT_EQ(config["num_key_value_heads"], 2);
  EXPECT_EQ(config["rope_theta"], 50000.0);
  EXPECT_EQ(config["rope_parameters"]["rope_theta"], 50000.0);
  EXPECT_EQ(config["rms_norm_eps"].dump(), "1e-05");
  EXPECT_EQ(config["tie_word_embeddings"], true);
  EXPECT_EQ(json("generation_config.json")["eos_token_id"], 2);
}

// The form of the tokenizer.json that SmolLM2 is published with.
TEST_F(TinyLlama, TokenizerSplitsDigitsOneByOne) {
  convert(io::DType::kF32);
  const auto tokenizer = json("tokenizer.json");
  EXPECT_EQ(
      dump_json(tokenizer["pre_tokenizer"]),
      R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},)"
      R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}]})");
  EXPECT_TRUE(tokenizer["normalizer"].is_null());
  EXPECT_TRUE(tokenizer["post_processor"].is_null());
  EXPECT_EQ(tokenizer["decoder"]["type"], "ByteLevel");
  EXPECT_EQ(tokenizer["model"]["merges"], Json::parse(R"([["t","h"],["th","e"],["Ġ","the"]])"));
  EXPECT_EQ(tokenizer["added_tokens"].size(), 3U);
  EXPECT_EQ(tokenizer["model"]["vocab"]["Ġthe"], 261);
  EXPECT_EQ(json("tokenizer_config.json")["eos_token"], "<|im_end|>");
  EXPECT_EQ(read_file(folder_ / "chat_template.jinja"),
            "{% for m in messages %}{{ m['content'] }}{% endfor %}");
}

class Lies : public ::testing::Test {
 protected:
  io::GgufHeader header_ = io::Gguf::open(source_path("tests/golden/tiny_llama.gguf")).header();
};

TEST_F(Lies, AboutTheModel) {
  auto change = [&](const char* key, const Json& value) {
    auto header = header_;
    header.metadata[key] = value;
    return gguf_model(header, "m.gguf");
  };
  EXPECT_USER_ERROR(change("general.architecture", "mamba"),
                    "m.gguf: metadata key 'general.architecture': unknown architecture 'mamba'; "
                    "known: llama, mistral, qwen2, qwen3");
  EXPECT_USER_ERROR(change("llama.block_count", 1 << 30),
                    "1073741824 blocks, but the file has only");
  EXPECT_USER_ERROR(change("llama.attention.head_count_kv", 3), "3 does not divide the 4 heads");
  EXPECT_USER_ERROR(change("llama.attention.key_length", 7),
                    "a head must have an even width, got 7");
  EXPECT_USER_ERROR(change("llama.embedding_length", -1), "must be a whole number");
  header_.metadata.erase("llama.embedding_length");
  EXPECT_USER_ERROR(gguf_model(header_, "m.gguf"), "'llama.embedding_length': it is missing");
}

TEST_F(Lies, AboutTheTokenizer) {
  auto change = [&](const char* key, const Json& value) {
    auto header = header_;
    header.metadata[key] = value;
    return hf_tokenizer(header, 256, "m.gguf", silent_reporter());
  };
  EXPECT_USER_ERROR(change("tokenizer.ggml.pre", "martian"),
                    "pre-tokenizer 'martian' (tokenizer.ggml.pre) is not known; known: smollm");
  EXPECT_USER_ERROR(change("tokenizer.ggml.model", "t5"),
                    "unknown tokenizer 't5'; known: gpt2, llama");
  EXPECT_USER_ERROR(change("tokenizer.ggml.eos_token_id", 4000),
                    "token 4000 of a vocabulary of 262");
  EXPECT_USER_ERROR(change("tokenizer.ggml.merges", {"ab"}), "'ab' is no pair of tokens");
  EXPECT_USER_ERROR(change("tokenizer.ggml.token_type", {1, 2}), "has 2 entries for 262 tokens");
  EXPECT_USER_ERROR(change("tokenizer.ggml.tokens", {"a", "a"}), "has 262 entries for 2 tokens");
}

TEST_F(Lies, AboutTheWeights) {
  TemporaryFolder folder;
  auto bytes = read_file(source_path("tests/golden/tiny_llama.gguf"));
  const auto at = bytes.find("blk.1.ffn_up");
  bytes.replace(at, 12, "blk.1.ffn_xx");
  write_file_atomic(folder / "m.gguf", bytes);
  EXPECT_USER_ERROR(convert_gguf(folder / "m.gguf", folder.path(), {}, silent_reporter()),
                    "the tensor 'blk.1.ffn_up.weight' is missing");
  EXPECT_FALSE(fs::exists(folder / "model.safetensors"));
}

TEST(PreTokenizers, Llama3AddsABeginningAndIgnoresMerges) {
  const auto llama3 = pre_tokenizer_of("llama-bpe", "m");
  EXPECT_TRUE(llama3.ignore_merges);
  EXPECT_TRUE(llama3.adds_bos);
  EXPECT_EQ(pre_tokenizer_of("qwen2", "m").normalizer["type"], "NFC");
}

// transformers' own rule, from its definition: every cut of a piece in two pieces, best scores
// first, then longer left parts, then longer right parts.
TEST(SentencePiece, MergesFollowTheScores) {
  const std::vector<std::string> pieces = {"<unk>", "a", "b", "ab", "aba", "ba"};
  const std::vector<double> scores = {0, -10, -11, -1, -2, -1};
  const auto merges = merges_of_scores(pieces, scores);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "b"}, {"b", "a"}, {"ab", "a"}, {"a", "ba"}};
  EXPECT_EQ(merges, expected);
}

TEST(Rope, Llama3IsRecoveredFromItsFactors) {
  auto header = io::Gguf::open(source_path("tests/golden/tiny_llama.gguf")).header();
  header.metadata["llama.attention.key_length"] = 64;
  header.metadata["llama.rope.freq_base"] = 500000.0;
  const auto model = gguf_model(header, "m");
  std::vector<float> factors;  // Llama 3.1's rule: factor 8 for wavelengths over 8192, 1 below
                               // 2048, a ramp between
  for (int i = 0; i < 32; ++i) {
    const double wavelength = 2 * 3.14159265358979 * std::pow(500000.0, i / 32.0);
    const double smooth = (8192 / wavelength - 1) / 3;
    factors.push_back(wavelength < 2048   ? 1.0F
                      : wavelength > 8192 ? 8.0F
                                          : static_cast<float>(1 / ((1 - smooth) / 8 + smooth)));
  }
  const auto scaling = hf_config(model, header, factors, "float32", "m")["rope_scaling"];
  EXPECT_EQ(scaling["rope_type"], "llama3");
  EXPECT_EQ(scaling["factor"], 8.0);
  factors[20] = 3;
  EXPECT_USER_ERROR(hf_config(model, header, factors, "float32", "m"),
                    "this kind of rope scaling is not known");
}

}  // namespace
}  // namespace tunewright::model

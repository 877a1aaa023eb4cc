// Golden cases of every family come from tools/golden/tokenizer.py (the tokenizers package).
#include "tunewright/text/tokenizer.h"

#include <random>
#include <thread>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

constexpr const char* kFamilies[] = {"smollm2",  "llama3",      "qwen2",       "qwen3",
                                     "gpt2",     "mistral_v01", "mistral_v03", "metaspace_always",
                                     "odd_added"};

Json golden(const std::string& family) {
  return read_json(testing::source_path(str("tests/golden/tokenizer_", family, ".json")));
}

Tokenizer golden_tokenizer(const std::string& family) {
  return Tokenizer::parse(dump_json(golden(family)["tokenizer"]), str(family, ".json"));
}

std::vector<int32_t> ids_of(const Json& json) { return json.get<std::vector<int32_t>>(); }

// Byte spans as the package's character offsets: a part of a character counts as all of it.
std::vector<std::vector<size_t>> character_offsets(const std::string& text,
                                                   const std::vector<ByteSpan>& spans) {
  std::vector<size_t> first(text.size() + 1),
      past(text.size() + 1);  // characters that begin before / up to a byte
  size_t characters = 0;
  for (size_t at = 0; at < text.size();) {
    const auto size = code_point_at(text, at).size;
    for (size_t i = 0; i < size; ++i) first[at + i] = characters;
    ++characters;
    for (size_t i = 1; i <= size; ++i) past[at + i] = characters;
    at += size;
  }
  first[text.size()] = characters;
  std::vector<std::vector<size_t>> offsets;
  for (const auto& span : spans) {
    offsets.push_back(
        {first[span.begin], span.begin == span.end ? first[span.begin] : past[span.end]});
  }
  return offsets;
}

class Family : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Tokenizer, Family, ::testing::ValuesIn(kFamilies),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(Family, IdsEqualThePackage) {
  const auto file = golden(GetParam());
  const auto tokenizer = golden_tokenizer(GetParam());
  for (const auto& item : file["cases"]) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(tokenizer.encode(text), ids_of(item["ids"])) << item["text"];
    EXPECT_EQ(tokenizer.encode(text, {.add_special = true}), ids_of(item["ids_with_special"]))
        << item["text"];
  }
}

TEST_P(Family, DecodedTextEqualsThePackage) {
  const auto file = golden(GetParam());
  const auto tokenizer = golden_tokenizer(GetParam());
  for (const auto& item : file["cases"]) {
    const auto ids = ids_of(item["ids_with_special"]);
    EXPECT_EQ(tokenizer.decode(ids), item["decoded"].get<std::string>()) << item["text"];
    EXPECT_EQ(tokenizer.decode(ids, true), item["decoded_without_special"].get<std::string>())
        << item["text"];
  }
}

TEST_P(Family, SpansEqualThePackagesOffsets) {
  const std::string family = GetParam();
  const auto file = golden(family);
  const auto tokenizer = golden_tokenizer(GetParam());
  for (const auto& item : file["cases"]) {
    const auto text = item["text"].get<std::string>();
    const auto encoding = tokenizer.encode_with_spans(text);
    EXPECT_EQ(encoding.ids, ids_of(item["ids"])) << item["text"];
    ASSERT_EQ(encoding.ids.size(), encoding.spans.size());
    const auto offsets = character_offsets(text, encoding.spans);
    if (!file["tokenizer"]["normalizer"].is_object() || family.starts_with("mistral")) {
      EXPECT_EQ(Json(offsets), item["offsets"]) << item["text"];
      continue;
    }
    // Of a sequence that NFC or NFKD changes, ours cover all; the package's some of it.
    for (size_t i = 0; i < offsets.size(); ++i) {
      EXPECT_LE(offsets[i][0], item["offsets"][i][0].get<size_t>()) << item["text"];
      EXPECT_GE(offsets[i][1], item["offsets"][i][1].get<size_t>()) << item["text"];
    }
  }
}

TEST_P(Family, StreamedPiecesJoinToTheWhole) {
  const auto file = golden(GetParam());
  const auto tokenizer = golden_tokenizer(GetParam());
  for (const bool skip_special : {false, true}) {
    StreamDecoder stream(tokenizer, skip_special);
    for (const auto& item : file["cases"]) {
      std::string joined;
      const auto ids = ids_of(item["ids_with_special"]);
      for (const auto id : ids) {
        const auto piece = stream.put(id);
        EXPECT_TRUE(is_valid_utf8(piece)) << item["text"];
        joined += piece;
      }
      joined += stream.finish();
      EXPECT_EQ(joined, tokenizer.decode(ids, skip_special)) << item["text"];
    }
  }
}

// Any ids at all, so that characters are cut everywhere.
TEST_P(Family, StreamOfRandomIdsEqualsDecoding) {
  const auto tokenizer = golden_tokenizer(GetParam());
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<int32_t> ids(random() % 30);
    for (auto& id : ids)
      id = static_cast<int32_t>(random() % static_cast<uint32_t>(tokenizer.vocab_size()));
    StreamDecoder stream(tokenizer, false);
    std::string joined;
    for (const auto id : ids) joined += stream.put(id);
    joined += stream.finish();
    EXPECT_EQ(joined, tokenizer.decode(ids));
    EXPECT_TRUE(is_valid_utf8(joined));
  }
}

TEST_P(Family, InvalidUtf8CountsAsReplacementCharacters) {
  const auto tokenizer = golden_tokenizer(GetParam());
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string bytes, repaired;
    for (size_t i = random() % 40; i > 0; --i)
      bytes += static_cast<char>(random() % 4 ? random() % 256 : ' ');
    append_lossy(repaired, bytes);
    const auto encoding = tokenizer.encode_with_spans(bytes);
    EXPECT_EQ(encoding.ids, tokenizer.encode(repaired));
    for (const auto& span : encoding.spans) {
      EXPECT_LE(span.begin, span.end);
      EXPECT_LE(span.end, bytes.size());
    }
  }
}

TEST_P(Family, ThreadsShareOne) {
  const auto file = golden(GetParam());
  const auto tokenizer = golden_tokenizer(GetParam());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (const auto& item : file["cases"])
        EXPECT_EQ(tokenizer.encode(item["text"].get_ref<const std::string&>()),
                  ids_of(item["ids"]));
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Tokenizer, SpansOfPlainByteLevelTileTheText) {
  const auto tokenizer = golden_tokenizer("smollm2");
  const std::string text = "The 東京 caf\xC3\xA9 <|im_end|>\n  12";
  size_t at = 0;
  for (const auto& span : tokenizer.encode_with_spans(text).spans) {
    EXPECT_EQ(span.begin, at);
    at = span.end;
  }
  EXPECT_EQ(at, text.size());
}

TEST(Tokenizer, KnowsItsTokens) {
  const auto tokenizer = golden_tokenizer("llama3");
  const auto bos = tokenizer.id_of("<|begin_of_text|>").value();
  EXPECT_EQ(tokenizer.token(bos), "<|begin_of_text|>");
  EXPECT_TRUE(tokenizer.is_special(bos));
  EXPECT_FALSE(tokenizer.is_special(0));
  EXPECT_EQ(tokenizer.prefix_ids(), std::vector<int32_t>{bos});
  EXPECT_TRUE(golden_tokenizer("smollm2").prefix_ids().empty());
  EXPECT_EQ(tokenizer.id_of("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer.vocab_size(), bos + 5);
  EXPECT_USER_ERROR(tokenizer.token(tokenizer.vocab_size()),
                    "out of range: the vocabulary of llama3.json has");
  EXPECT_USER_ERROR(tokenizer.decode(std::vector<int32_t>{-1}), "token id -1 is out of range");
}

TEST(Tokenizer, RolesComeFromTheFilesBeside) {
  testing::TemporaryFolder folder;
  write_file_atomic(folder / "tokenizer.json", dump_json(golden("qwen2")["tokenizer"]));
  write_file_atomic(
      folder / "tokenizer_config.json",
      R"({"bos_token": null, "eos_token": {"content": "<|im_end|>"}, "unk_token": "<none>"})");
  write_file_atomic(folder / "special_tokens_map.json",
                    R"({"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"})");
  const auto tokenizer = Tokenizer::load(folder.path());
  EXPECT_EQ(tokenizer.special().bos, std::nullopt);
  EXPECT_EQ(tokenizer.special().unk, std::nullopt);
  EXPECT_EQ(tokenizer.special().eos, tokenizer.id_of("<|im_end|>"));
  EXPECT_EQ(tokenizer.special().pad, tokenizer.id_of("<|endoftext|>"));
  EXPECT_USER_ERROR(Tokenizer::load(folder / "none"), "tokenizer.json");
}

// A small valid file to break.
Json small_file() {
  return parse_json(
      R"({"added_tokens": [{"id": 4, "content": "<s>", "special": true, "normalized": false}],
    "normalizer": null, "pre_tokenizer": null, "decoder": {"type": "Fuse"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                       "special_tokens": {"<s>": {"ids": [4]}}},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3}, "merges": ["a b"]}})",
      "small");
}

Tokenizer changed(const std::string& pointer, const std::string& value) {
  auto file = small_file();
  file[Json::json_pointer(pointer)] = parse_json(value, "value");
  return Tokenizer::parse(dump_json(file), "t.json");
}

TEST(TokenizerFile, SmallOneWorks) {
  const auto tokenizer = Tokenizer::parse(dump_json(small_file()), "t.json");
  EXPECT_EQ(tokenizer.encode("abc<s>ba", {.add_special = true}),
            (std::vector<int32_t>{4, 2, 3, 4, 1, 0}));
  EXPECT_EQ(changed("/model/merges", R"([["a", "b"]])").encode("ab"), std::vector<int32_t>{2});
  // Characters that nothing spells are dropped, as the package does; the spans leave them out.
  const auto encoding = tokenizer.encode_with_spans("a?b");
  EXPECT_EQ(encoding.ids, std::vector<int32_t>{2});
  EXPECT_EQ(encoding.spans, (std::vector<ByteSpan>{{0, 3}}));
}

TEST(TokenizerFile, MalformedOnesAreNamed) {
  EXPECT_USER_ERROR(Tokenizer::parse("{\"model\": ", "t.json"), "t.json: not valid JSON at byte");
  EXPECT_USER_ERROR(Tokenizer::parse("[]", "t.json"), "t.json: expected an object, got []");
  EXPECT_USER_ERROR(Tokenizer::parse("{}", "t.json"), "t.json: key 'model' is missing");
  EXPECT_USER_ERROR(Tokenizer::parse(std::string(1000, '['), "t.json"), "nested deeper than 500");
  EXPECT_USER_ERROR(changed("/model/type", "\"Unigram\""),
                    "key 'model.type': the model 'Unigram' is not supported; known are BPE");
  EXPECT_USER_ERROR(changed("/model/merges", "3"), "key 'model.merges': expected a list, got 3");
  EXPECT_USER_ERROR(changed("/model/dropout", "0.1"), "key 'model.dropout': expected null");
  EXPECT_USER_ERROR(changed("/normalizer", R"({"type": "Precompiled"})"),
                    "the normalizer 'Precompiled' is not supported; known are NFC");
  EXPECT_USER_ERROR(changed("/pre_tokenizer", R"({"type": "UnicodeScripts"})"),
                    "the pre-tokenizer 'UnicodeScripts' is not supported");
  EXPECT_USER_ERROR(changed("/decoder", R"({"type": "Sequence", "decoders": [{"type": "CTC"}]})"),
                    "key 'decoder.decoders[0].type'");
  EXPECT_USER_ERROR(changed("/added_tokens/0/special", "1"),
                    "key 'added_tokens[0].special': expected true or false, got 1");
}

TEST(TokenizerFile, BadVocabulariesAreNamed) {
  EXPECT_USER_ERROR(changed("/model/vocab", R"({"a": 0, "b": 1, "ab": 2, "c": 7})"),
                    "token 'c' has id 7, but the 5 tokens need the ids 0 to 4");
  EXPECT_USER_ERROR(changed("/model/vocab", R"({"a": 0, "b": 1, "ab": 2, "c": -1})"),
                    "token 'c' has id -1");
  EXPECT_USER_ERROR(changed("/model/vocab", R"({"a": 0, "b": 1, "ab": 2, "c": 2})"),
                    "tokens 'ab' and 'c' both have id 2");
  EXPECT_USER_ERROR(changed("/model/vocab", R"({"a": 0, "b": "1"})"),
                    "the id of token 'b': expected a whole number, got \"1\"");
  EXPECT_USER_ERROR(changed("/model/vocab", R"({"a": {"b": 1}})"),
                    "the id of token 'a': expected a whole number");
  EXPECT_USER_ERROR(changed("/model/vocab", "{}"), "the vocabulary is empty");
  EXPECT_USER_ERROR(changed("/model/vocab", "[]"), "key 'model.vocab': expected an object");
  EXPECT_USER_ERROR(changed("/model/merges", R"(["a x"])"),
                    "key 'model.merges[0]': the merge of 'a' and 'x' names the token 'x'");
  EXPECT_USER_ERROR(changed("/model/merges", R"(["a c"])"),
                    "names the token 'ac', which model.vocab lacks");
  EXPECT_USER_ERROR(changed("/model/merges", R"(["a b c"])"),
                    "expected two tokens with a space between them");
  EXPECT_USER_ERROR(changed("/added_tokens/0/id", "9"),
                    "token '<s>' with id 9: the 5 tokens need the ids 0 to 4");
  EXPECT_USER_ERROR(changed("/added_tokens/0/id", "3"), "that id is 'c' in model.vocab");
  EXPECT_USER_ERROR(changed("/post_processor/special_tokens/<s>/ids/0", "5"),
                    "id 5 is out of range: the vocabulary has 5 tokens");
}

std::string split_on(const std::string& regex) {
  return dump_json(Json{{"type", "Split"},
                        {"behavior", "Isolated"},
                        {"invert", false},
                        {"pattern", {{"Regex", regex}}}});
}

TEST(TokenizerFile, BadRegularExpressionsAreNamed) {
  EXPECT_USER_ERROR(changed("/pre_tokenizer", split_on("(a")),
                    "key 'pre_tokenizer.pattern.Regex': the regular expression '(a' is not valid");
  EXPECT_USER_ERROR(changed("/pre_tokenizer", split_on("[a&&b]")), "&& in a class");
  EXPECT_USER_ERROR(changed("/pre_tokenizer", split_on("[a[b]]")), "a class inside a class");
}

TEST(Tokenizer, RunawayRegularExpressionIsAnError) {
  const auto tokenizer = changed("/pre_tokenizer", split_on("(?:a|aa)+[cd]"));
  EXPECT_USER_ERROR(tokenizer.encode(std::string(80, 'a')), "gave up on 80 bytes of text");
}

TEST(Tokenizer, LongRunsMatch) {
  const auto tokenizer = golden_tokenizer("qwen2");
  for (const auto* unit : {" ", "\n", "a", "\xE4\xB8\xAD", "1", "!"}) {
    std::string text;
    while (text.size() < (1 << 20)) text += unit;
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

}  // namespace
}  // namespace tunewright::text

#include "tunewright/corpus/filters/normalise.h"

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/text/html_entities.h"
#include "tunewright/corpus/text/mojibake.h"
#include "tunewright/text/python_text.h"

namespace tunewright::corpus {
namespace {

namespace python = text::python;

const Json& golden() {
  static const auto json = read_json(testing::source_path("tests/golden/corpus_normalise.json"));
  return json;
}

std::string normalised(const std::string& text, const NormaliseOptions& options = {}) {
  std::vector<std::string> reasons;
  return Normalise(options).normalised(text, reasons);
}

TEST(Normalise, MojibakeIsRepairedAsByFtfy) {
  for (const auto& item : golden().at("cases")) {
    const auto text = item.at("text").get<std::string>();
    EXPECT_EQ(python::encode(fix_encoding(python::decode(text))),
              item.at("encoding").get<std::string>())
        << item;
  }
}

// All of ftfy's fix_text but for what changes letters that are right: its ligatures and widths.
TEST(Normalise, TextsAreFixedAsByFtfy) {
  for (const auto& item : golden().at("cases")) {
    EXPECT_EQ(normalised(item.at("text").get<std::string>(), {.white_space = false}),
              item.at("fixed").get<std::string>())
        << item;
  }
}

TEST(Normalise, EntitiesAsByFtfy) {
  for (const auto& item : golden().at("entities")) {
    const auto text = item.at("text").get<std::string>();
    EXPECT_EQ(python::encode(unescape_html(python::decode(text))),
              item.at("unescaped").get<std::string>())
        << text;
  }
}

TEST(Normalise, FormsAsInPython) {
  for (const auto& item : golden().at("forms")) {
    const auto text = item.at("text").get<std::string>();
    EXPECT_EQ(normalised(text), item.at("nfc").get<std::string>());
    EXPECT_EQ(normalised(text, {.unicode = UnicodeForm::kNfkc}),
              item.at("nfkc").get<std::string>());
  }
}

TEST(Normalise, LinesAndSpaces) {
  EXPECT_EQ(normalised("  a  b \t\r\n\n\n\n  c\n\n"), "  a  b\n\n  c");
  EXPECT_EQ(normalised("  a  b\t\tc", {.collapse_spaces = true}), "  a b c");
  EXPECT_EQ(normalised("A\nShare on Facebook!\nB", {.boilerplate = true}), "A\nB");
  EXPECT_EQ(normalised("Read more", {.boilerplate = true}), "Read more");
  EXPECT_EQ(normalised("A\n© Acme 1999\n", {.boilerplate_lines = {"Acme 1999"}}), "A");
}

TEST(Normalise, WhatIsInOrderKeepsItsBytes) {
  const std::string line = R"({ "text": "caf\u00e9 na\u00efve", "meta": {"a":  1.0} })";
  auto document = Document::parse(line);
  const Normalise step{{}};
  EXPECT_EQ(step.judge(document, 0).decision, Decision::kKept);
  EXPECT_EQ(document.line(), line);
  document = Document::parse(R"({"text":"cafÃ© &amp; tea ","n":1.0})");
  EXPECT_EQ(step.judge(document, 0).reason, "html_entities, mojibake, white_space");
  EXPECT_EQ(document.line(), R"({"text":"café & tea","n":1.0})");
}

// Law: nothing is left to do after it, where no line is cut in two and nothing decoded is an entity
// again: each line is repaired for itself, as ftfy does.
TEST(Normalise, TwiceIsOnce) {
  for (const auto& item : golden().at("cases")) {
    const auto text = item.at("text").get<std::string>();
    if (python::decode(text).find_first_of(U"\r\u0085\u2028&") != std::u32string::npos) continue;
    const auto once = normalised(text);
    EXPECT_EQ(normalised(once), once) << item;
  }
}

}  // namespace
}  // namespace tunewright::corpus

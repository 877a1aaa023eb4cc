#include "tunewright/rows/mapping.h"

#include "tunewright/base/test.h"

namespace tunewright::rows {
namespace {

const char* const kRow =
    R"({"a":"A","n":3,"x":{"y":["p","q"]},"none":null,"dotted.name":"d","First Name":"Jo","long":"one two three four"})";
constexpr const char* kSource = "data/spam-1/0001.eml";

Json rendered(const char* text) {
  return Template(text, "map.t").render(Json::parse(kRow), kSource);
}

TEST(Template, PutsColumnsIntoText) {
  EXPECT_EQ(rendered("plain"), "plain");
  EXPECT_EQ(rendered("{a}-{n}"), "A-3");
  EXPECT_EQ(rendered("{{a}} {a}}}"), "{a} A}");
  EXPECT_EQ(rendered("{x.y.1}!"), "q!");
  EXPECT_EQ(rendered("{dotted.name} {First Name}"), "d Jo");
  EXPECT_EQ(rendered("[{missing?}{none?}]"), "[]");
  EXPECT_EQ(rendered("x: {x}"), R"(x: {"y":["p","q"]})");
}

TEST(Template, OneColumnAloneKeepsItsType) {
  EXPECT_EQ(rendered("{n}"), 3);
  EXPECT_EQ(rendered("{x.y}"), Json::parse(R"(["p","q"])"));
}

TEST(Template, KnowsThePath) {
  EXPECT_EQ(
      rendered(
          "{path}|{path.name}|{path.stem}|{path.extension}|{path.parent}|{path.parent.parent}"),
      "data/spam-1/0001.eml|0001.eml|0001|.eml|spam-1|data");
  EXPECT_EQ(Template("{path}", "t").render({{"path", "own"}}, kSource), "own");
}

TEST(Template, Filters) {
  EXPECT_EQ(rendered("{long|cut:9}"), "one two …");
  EXPECT_EQ(rendered("{long|cut:18}"), "one two three four");
  EXPECT_EQ(rendered("{a|lower} {long|upper}"), "a ONE TWO THREE FOUR");
  EXPECT_EQ(rendered("{missing|default:none}{none|default:}"), "none");
  EXPECT_EQ(rendered("{x|json}"), R"({"y":["p","q"]})");
  const auto filter = [](const char* text, const char* value) {
    return Template(text, "t").render({{"v", value}}, "");
  };
  EXPECT_EQ(filter("{v|one_line}", " a\t\n b\u00a0\u200bc "), "a b c");
  EXPECT_EQ(filter("{v|one_line}", "👨\u200d👩"), "👨\u200d👩");
  EXPECT_EQ(filter("{v|domain}", "\"Jo\" <jo@Mail.Example.ORG.>"), "mail.example.org");
  EXPECT_EQ(filter("{v|domain|default:unknown}", "Jo"), "unknown");
  EXPECT_EQ(filter("{v|cut:3}", "äöüß"), "äöü …");
  EXPECT_EQ(filter("{v|trim|upper}", " straße "), "STRASSE");
}

TEST(Template, SaysWhatIsWrong) {
  EXPECT_USER_ERROR(rendered("{missing}"),
                    "map.t: there is no 'missing' (the row has a, n, x, none, dotted.name");
  EXPECT_USER_ERROR(rendered("{none}"), "there is no 'none'");
  EXPECT_USER_ERROR(rendered("{a"), "map.t: a single '{' at byte 0");
  EXPECT_USER_ERROR(rendered("a}"), "a single '}' at byte 1");
  EXPECT_USER_ERROR(rendered("{}"), "names no column");
  EXPECT_USER_ERROR(rendered("{a|lowr}"), "unknown filter 'lowr' (did you mean 'lower'?)");
  EXPECT_USER_ERROR(rendered("{a|cut:x}"), "cut expects a number of characters");
}

Json mapped(SourceOptions options, const char* row) {
  return Mapping(options).apply(Json::parse(row), kSource);
}

TEST(Mapping, BuildsAnyShape) {
  EXPECT_EQ(
      mapped(
          {.map = Json::parse(
               R"({"messages":[{"role":"user","content":"{q}"},{"role":"assistant","content":"{a}"}],"w":1})")},
          R"({"q":"Q","a":"A","other":1})"),
      Json::parse(
          R"({"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"}],"w":1})"));
}

TEST(Mapping, ParsesAMailInAColumnAndTakesTheLabelFromThePath) {
  SourceOptions options{
      .map = {{"prompt", "{text.subject}: {text.body}"}, {"completion", "{path.parent}"}},
      .values = {{"path.parent", {{"spam-1", "spam"}, {"*", "ham"}}}},
      .parse = {{"text", "email"}}};
  EXPECT_EQ(mapped(options, R"({"text":"Subject: hi\n\nbuy now"})"),
            Json::parse(R"({"prompt":"hi: buy now","completion":"spam"})"));
}

TEST(Mapping, OtherWaysToReadAColumn) {
  EXPECT_EQ(mapped({.parse = {{"m", "json"}}}, R"({"m":"[1]"})"), Json::parse(R"({"m":[1]})"));
  EXPECT_EQ(mapped({.parse = {{"a.b", "html"}}}, R"({"a":{"b":"<p>x"}})"),
            Json::parse(R"({"a":{"b":"x"}})"));
  EXPECT_EQ(mapped({.parse = {{"n", "number"}}}, R"({"n":" 2.5 "})")["n"], 2.5);
  EXPECT_USER_ERROR(mapped({.parse = {{"n", "number"}}}, R"({"n":"two"})"),
                    "parse.n: 'two' is no number");
}

TEST(Mapping, ValuesThatAreNotListedSetTheRowAside) {
  const SourceOptions options{.values = {{"g", {{"a", "A"}, {"1", true}, {"b", nullptr}}}}};
  EXPECT_EQ(mapped(options, R"({"g":"a","z":0})"), Json::parse(R"({"g":"A","z":0})"));
  EXPECT_EQ(mapped(options, R"({"g":1})")["g"], true);
  EXPECT_USER_ERROR(mapped(options, R"({"g":"c"})"), "values.g: 'c' is not listed");
  EXPECT_USER_ERROR(mapped(options, R"({"g":"b"})"), "values.g: 'b' is left out");
  EXPECT_USER_ERROR(mapped(options, R"({"h":"b"})"), "values.g: the row has no such column");
}

TEST(Mapping, WrongOptionsAreUserErrors) {
  EXPECT_USER_ERROR(Mapping({.map = "x"}), "map: expected columns");
  EXPECT_USER_ERROR(Mapping({.map = {{"p", "{a"}}}), "map.p: a single '{'");
  EXPECT_USER_ERROR(Mapping({.parse = {{"t", "emial"}}}), "did you mean 'email'?");
  EXPECT_USER_ERROR(Mapping({.values = {{"t", 1}}}), "values.t: expected columns");
}

Json turned(const char* row, Target target) {
  const auto json = Json::parse(row);
  const auto guess = guess_target(json, target);
  return guess.turn ? guess.turn(json) : json;
}

TEST(GuessTarget, SaysWhatItChose) {
  const auto note = [](const char* row) {
    return guess_target(Json::parse(row), Target::kAuto).note;
  };
  EXPECT_EQ(note(R"({"messages":[]})"), "rows taken as messages");
  EXPECT_EQ(note(R"({"Question":"q","Answer":"a"})"),
            "columns Question, Answer taken as prompt, completion (prompt_completion); `map` says "
            "otherwise");
  EXPECT_EQ(
      note(R"({"sentence":"s","category":"c"})"),
      "columns sentence, category taken as text, label (classification); `map` says otherwise");
  EXPECT_EQ(note(R"({"tokens":["a"],"tags":["O"],"text":"a"})"), "rows taken as ner");
  EXPECT_EQ(note(R"({"q1":1,"q2":2})"),
            "columns q1, q2 fit no format; rows stay as they are (`map` says what they are)");
  EXPECT_EQ(turned(R"({"Question":"q","Answer":"a","id":7})", Target::kAuto),
            Json::parse(R"({"prompt":"q","completion":"a","id":7})"));
  EXPECT_EQ(turned(R"({"question":"q","chosen":"a","rejected":"b"})", Target::kAuto),
            Json::parse(R"({"prompt":"q","chosen":"a","rejected":"b"})"));
}

TEST(GuessTarget, TurnsEveryFormatIntoMessages) {
  const auto pair =
      Json::parse(R"([{"role":"user","content":"q"},{"role":"assistant","content":"a"}])");
  for (const char* row :
       {R"({"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]})",
        R"({"instruction":"q","input":"","output":"a"})", R"({"prompt":"q","completion":"a"})",
        R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})"})
    EXPECT_EQ(turned(row, Target::kMessages)["messages"], pair) << row;
  EXPECT_USER_ERROR(turned(R"({"text":"x"})", Target::kMessages), "no turns");
}

TEST(GuessTarget, OtherTargets) {
  EXPECT_EQ(turned(R"({"text":"t","label":1})", Target::kClassification),
            Json::parse(R"({"text":"t","label":"1"})"));
  EXPECT_EQ(turned(R"({"prompt":"p","completion":"c","label":"yes"})", Target::kUnpaired)["label"],
            true);
  EXPECT_EQ(
      turned(R"({"conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]})",
             Target::kPromptCompletion),
      Json::parse(
          R"({"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]})"));
  EXPECT_EQ(turned(R"({"words":["Jo","ran"],"ner_tags":["I-PER","O"]})", Target::kNer),
            Json::parse(R"({"tokens":["Jo","ran"],"tags":["B-PER","O"],"text":"Jo ran"})"));
  EXPECT_USER_ERROR(turned(R"({"a":1})", Target::kPreference), "cannot become preference");
}

TEST(Iob2, OfOtherSchemes) {
  using Tags = std::vector<std::string>;
  EXPECT_EQ(iob2_tags({"I-PER", "I-PER", "O", "I-LOC", "B-LOC", "I-ORG"}),
            (Tags{"B-PER", "I-PER", "O", "B-LOC", "B-LOC", "B-ORG"}));
  EXPECT_EQ(iob2_tags({"B-PER", "I-PER", "E-PER", "S-LOC", "S-LOC"}),
            (Tags{"B-PER", "I-PER", "I-PER", "B-LOC", "B-LOC"}));
  EXPECT_EQ(iob2_tags({"U-A", "B-A", "L-A", "L-A"}), (Tags{"B-A", "B-A", "I-A", "B-A"}));
  const Tags iob2 = {"O", "B-X", "I-X", "B-X", "O", "B-Y"};
  EXPECT_EQ(iob2_tags(iob2), iob2);
  EXPECT_EQ(iob2_tags({"NOUN", "VERB"}), (Tags{"NOUN", "VERB"}));
}

}  // namespace
}  // namespace tunewright::rows

#include "tunewright/corpus/pii/pii_step.h"

#include <algorithm>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/pii/checksums.h"
#include "tunewright/corpus/pii/keyed_stream.h"
#include "tunewright/corpus/run_step.h"

namespace tunewright::corpus {
namespace {

// The text after the step.
std::string after(const Step& step, const std::string& text, std::string* reason = nullptr) {
  auto document = Document::parse(dump_json({{"text", text}}));
  const auto verdict = step.judge(document, 0);
  EXPECT_EQ(verdict.decision == Decision::kChanged, !verdict.reason.empty());
  if (reason != nullptr) *reason = verdict.reason;
  return document.texts()[0];
}

std::string after(const Json& options, const std::string& text) {
  return after(*make_step("pii", options), text);
}

const std::string kText =
    "Jane: jane.doe@example.edu or JANE.DOE@example.edu, (212) 555-0134 and +44 20 7946 0958, card "
    "4111 1111 1111 1111, DE89 3704 0044 0532 0130 00, 536-22-1234, 10.1.2.3, fe80::1:2:3, "
    "00:1A:2B:3C:4D:5E, 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2, password: hunter2000";

TEST(PiiStep, ReplacesByDefault) {
  const auto step = make_step("pii", {});
  std::string reason;
  EXPECT_EQ(after(*step, kText, &reason),
            "Jane: <EMAIL_ADDRESS> or <EMAIL_ADDRESS>, <PHONE_NUMBER> and <PHONE_NUMBER>, card "
            "<CREDIT_CARD>, <IBAN_CODE>, <US_SSN>, <IP_ADDRESS>, <IP_ADDRESS>, <MAC_ADDRESS>, "
            "<CRYPTO>, password: <SECRET>");
  EXPECT_EQ(reason,
            "EMAIL_ADDRESS 2, PHONE_NUMBER 2, CREDIT_CARD 1, IBAN_CODE 1, US_SSN 1, IP_ADDRESS 2, "
            "MAC_ADDRESS 1, CRYPTO 1, SECRET 1");
  const std::string prose = "On 5 March 2024 Jane read https://example.com in Paris.";
  EXPECT_EQ(after(*step, prose, &reason), prose);
  EXPECT_EQ(reason, "");
  const auto summary = step->summary();
  EXPECT_EQ(summary["rows"], 1);
  EXPECT_EQ(summary["entities"]["EMAIL_ADDRESS"], Json({{"values", 2}, {"rows", 1}}));
}

TEST(PiiStep, EveryTextOfAConversationAndNoOtherByte) {
  auto document = Document::parse(
      R"({ "id": 1,  "messages":[{"role":"user","content":"a@example.com"},{"role":"assistant","content":"b@example.com"}], "mail":"c@example.com"})");
  make_step("pii", {})->judge(document, 0);
  EXPECT_EQ(
      document.line(),
      R"({ "id": 1,  "messages":[{"role":"user","content":"<EMAIL_ADDRESS>"},{"role":"assistant","content":"<EMAIL_ADDRESS>"}], "mail":"c@example.com"})");
}

TEST(PiiStep, ASecondRunChangesNothing) {
  for (const auto* action : {"replace", "mask", "hash", "pseudonym"}) {
    for (const auto* entities : {"DEFAULT", "ALL"}) {
      const auto step = make_step("pii", {{"action", action}, {"entities", {entities}}});
      std::string reason;
      const auto text =
          kText +
          " on 2024-03-05, see https://example.org/x or www.example.de; account 12345678901";
      const auto once = after(*step, text, &reason);
      EXPECT_NE(once, text);
      EXPECT_EQ(after(*step, once, &reason), once) << action << ' ' << entities << ' ' << reason;
      EXPECT_EQ(reason, "") << action << ' ' << once;
    }
  }
}

TEST(PiiStep, Masks) {
  EXPECT_EQ(after({{"action", "mask"}}, "a.b@example.com"), "*.*@*******.***");
  EXPECT_EQ(after({{"action", "mask"}, {"mask_keep", 4}}, "4111-1111-1111-1111"),
            "****-****-****-1111");
  EXPECT_EQ(after({{"action", "mask"}, {"mask_character", "█"}}, "jü@müller.de"), "██@██████.██");
  EXPECT_USER_ERROR(make_step("pii", {{"mask_keep", 5}}), "mask_keep: 5 is not between 0 and 4");
}

TEST(PiiStep, PseudonymsKeepTheFormAndAreConsistent) {
  const Json options = {{"action", "pseudonym"}};
  const auto email = after(options, "jane.doe@example.edu");
  EXPECT_THAT(email,
              ::testing::MatchesRegex("[a-z]+[.][a-z]+[.][0-9a-f]+@example[.](com|net|org)"));
  EXPECT_EQ(after(options, "JANE.DOE@example.edu"), email);
  EXPECT_NE(after(options, "jane.roe@example.edu"), email);
  EXPECT_NE(after({{"action", "pseudonym"}, {"seed", 43}}, "jane.doe@example.edu"), email);
  EXPECT_THAT(after(options, "(212) 555-0134"), ::testing::MatchesRegex(R"([(]...[)] ...-....)"));
  const auto card = after(options, "4012-8888-8888-1881");
  EXPECT_THAT(card, ::testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+-[0-9]+"));
  EXPECT_NE(card, "4012-8888-8888-1881");
  EXPECT_EQ(after(options, "4012 8888 8888 1881"), replace_all(card, "-", " "));
  EXPECT_THAT(after(options, "8.8.8.8"), ::testing::MatchesRegex("198[.]1[89][.][0-9]+[.][0-9]+"));
  EXPECT_THAT(after(options, "DE89 3704 0044 0532 0130 00"), ::testing::MatchesRegex("DE.. .*"));
  EXPECT_THAT(after(options, "de:ad:be:ef:ca:fe"), ::testing::MatchesRegex("02:00:00:.*"));
}

TEST(PiiStep, HashesUnderAKey) {
  // RFC 4231, test case 2.
  EXPECT_EQ(pii::hmac_sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "key", "secret");
  const Json with_key = {{"action", "hash"}, {"key_file", (folder / "key").string()}};
  const auto hashed = after(with_key, "a@example.edu");
  EXPECT_EQ(hashed,
            str("<EMAIL_ADDRESS:",
                pii::hmac_sha256("secret", "EMAIL_ADDRESS\na@example.edu").substr(0, 16), ">"));
  EXPECT_NE(after({{"action", "hash"}}, "a@example.edu"), hashed);
}

TEST(PiiStep, ThresholdAndAllowList) {
  EXPECT_EQ(after({}, "order 4155550132"), "order 4155550132");
  EXPECT_EQ(after({{"threshold", 0.2}}, "order 4155550132"), "order <PHONE_NUMBER>");
  EXPECT_EQ(after({{"allow", {"help@example.com"}}}, "help@example.com, me@example.com"),
            "help@example.com, <EMAIL_ADDRESS>");
  EXPECT_USER_ERROR(make_step("pii", {{"threshold", 1.5}}),
                    "threshold: 1.5 is not between 0 and 1");
}

TEST(PiiStep, StrictFailsWhereSomethingIsLeft) {
  const Json strict = {{"strict", true}, {"strict_threshold", 0.2}};
  EXPECT_EQ(after(strict, "a@example.com"), "<EMAIL_ADDRESS>");
  EXPECT_USER_ERROR(after(strict, "order 4155550132"),
                    "strict: row 0: a value that may be PHONE_NUMBER (score 0.25) is left");
  EXPECT_USER_ERROR(make_step("pii", {{"strict", true}, {"action", "annotate"}}),
                    "annotate leaves everything in place");
}

TEST(PiiStep, AnnotatesInCharactersAndScoresAgainstTheTruth) {
  const auto step = make_step("pii", {{"action", "annotate"}, {"truth", "spans"}});
  auto document = Document::parse(
      R"({"text":"é a@example.com","spans":[{"entity":"EMAIL_ADDRESS","start":2,"end":15},{"entity":"US_SSN","start":0,"end":1},{"entity":"NRP","start":0,"end":1}]})");
  EXPECT_EQ(step->judge(document, 0).reason, "EMAIL_ADDRESS 1");
  EXPECT_EQ(document.field("pii"),
            Json::parse(R"([{"entity":"EMAIL_ADDRESS","start":2,"end":15,"score":1.0}])"));
  const auto truth = step->summary()["truth"];
  EXPECT_EQ(truth["EMAIL_ADDRESS"]["f1"], 1.0);
  EXPECT_EQ(truth["US_SSN"]["recall"], 0.0);
  document = Document::parse(R"({"text":"x","spans":[3]})");
  EXPECT_USER_ERROR(step->judge(document, 0), "truth: expected a list");
}

TEST(PiiStep, NamesByLexicon) {
  const testing::TemporaryFolder folder;
  write_file_atomic(
      folder / "names",
      "# made up\nMary\nPERSON\tJean Luc\nJean\nSmith\nLOCATION\tNew York\nWill\nÉlodie\n");
  const Json options = {{"entities", {"PERSON", "LOCATION"}},
                        {"lexicon", (folder / "names").string()}};
  EXPECT_EQ(after(options, "We met Mary in New York."), "We met <PERSON> in <LOCATION>.");
  EXPECT_EQ(after(options, "So Mary Smith, Jean Luc and Élodie Xu left."),
            "So <PERSON>, <PERSON> and <PERSON> left.");
  EXPECT_EQ(after(options, "Will you? will Maryland, mary or New Yorkers"),
            "Will you? will Maryland, mary or New Yorkers");
  EXPECT_EQ(
      after({{"entities", {"PERSON"}}, {"lexicon", (folder / "names").string()}}, "in New York"),
      "in New York");
  EXPECT_USER_ERROR(make_step("pii", {{"entities", {"PERSON"}}}), "set lexicon: FILE");
  write_file_atomic(folder / "bad", "PLACE\tX\n");
  EXPECT_USER_ERROR(make_step("pii", {{"lexicon", (folder / "bad").string()}}),
                    "line 1: 'PLACE' before the tab");
}

class OneName final : public pii::NameFinder {
 public:
  std::vector<pii::Finding> find(std::string_view text) const override {
    const auto at = text.find("Zaphod");
    if (at == std::string_view::npos) return {};
    return {{at, at + 6, pii::Entity::kPerson, 0.9}};
  }
};

TEST(PiiStep, AModelMayFindNames) {
  const PiiStep step({.entities = {"PERSON"}}, {std::make_shared<OneName>()});
  EXPECT_EQ(after(step, "I am Zaphod."), "I am <PERSON>.");
}

// Finds some ends of a text likelier than all others.
class Knowing final : public Scorer {
 public:
  std::vector<int64_t> token_counts(std::span<const std::string_view> texts) const override {
    return std::vector<int64_t>(texts.size(), 1);
  }
  std::vector<Loss> losses(std::span<const std::string_view> texts) const override {
    std::vector<Loss> losses;
    for (const auto text : texts) {
      const bool is_known =
          std::ranges::any_of(known, [&](const auto& end) { return text.ends_with(end); });
      losses.push_back({.sum = is_known ? 10.0 : 13.0, .tokens = 5});
    }
    return losses;
  }
  std::vector<std::vector<float>> embeddings(
      std::span<const std::string_view> texts) const override {
    return std::vector<std::vector<float>>(texts.size());
  }
  std::vector<std::string> known = {"\n\n\"Zaphod O'Beeble\" is the name of a person.",
                                    "\n\n\"Größenau\" is the name of a place.",
                                    "\n\n\"The\" is the name of a thing.",
                                    "\n\n\"Zaphod O'Beeble\" is the name of someone."};
};

TEST(PiiStep, ALanguageModelTellsNames) {
  std::string opened;
  const StepContext context{.open_scorer = [&](const std::string& folder) {
    opened = folder;
    return std::make_shared<const Knowing>();
  }};
  const auto step = [&](const Json& more) {
    Json options = {{"entities", {"PERSON", "LOCATION"}}, {"model", "models/small"}};
    if (!more.is_null()) options.update(more);
    return make_step("pii", options, context);
  };
  const std::string text = "The small Zaphod O'Beeble of Größenau";
  EXPECT_EQ(after(*step({}), text), "The small <PERSON> of <LOCATION>");
  EXPECT_EQ(opened, "models/small");
  // e^-10 among e^-10 and four times e^-13.
  EXPECT_EQ(after(*step({{"threshold", 0.83}}), text), "The small <PERSON> of <LOCATION>");
  EXPECT_EQ(after(*step({{"threshold", 0.84}}), text), text);
  const Json labels = {{"PERSON", "someone"}, {"OTHER", {"something", "a thing"}}};
  EXPECT_EQ(after(*step({{"labels", labels}}), text), "The small <PERSON> of Größenau");
  const auto long_text = str(std::string(1000, 'x'), " ü Größenau ", std::string(1000, 'x'));
  EXPECT_EQ(after(*step({}), long_text).find("Größenau"), std::string::npos);
}

TEST(PiiStep, SaysWhatIsWrongWithAModelOrItsLabels) {
  const StepContext context{
      .open_scorer = [](const std::string&) { return std::make_shared<const Knowing>(); }};
  const auto fails = [&](const Json& labels, const char* part) {
    const Json options = {{"model", "m"}, {"entities", {"ALL"}}, {"labels", labels}};
    EXPECT_USER_ERROR(make_step("pii", options, context), part);
  };
  fails("PERSON", "labels: expected what the model calls each");
  fails({{"PERSON", 1}, {"OTHER", "a thing"}}, "labels: expected what the model calls each");
  fails({{"PERSN", "a person"}, {"OTHER", "a thing"}}, "did you mean 'PERSON'?");
  fails({{"PERSON", "a person"}}, "and OTHER for what is neither");
  fails({{"OTHER", "a thing"}}, "PERSON or LOCATION is needed");
  EXPECT_USER_ERROR(make_step("pii", {{"model", "m"}}, context), "add what is wanted to entities");
  EXPECT_USER_ERROR(make_step("pii", {{"model", "m"}, {"entities", {"PERSON"}}}),
                    "this program cannot run models");
}

TEST(PiiStep, TheNumberOfWorkersChangesNothing) {
  const testing::TemporaryFolder folder;
  std::string rows;
  for (int i = 0; i < 8000; ++i)
    rows +=
        dump_json(
            {{"text", str("row ", i, ": m", i % 700, "@example.edu or 415-555-01", i % 90 + 10)}}) +
        "\n";
  write_file_atomic(folder / "in.jsonl", rows);
  std::string first, summary;
  for (const int64_t workers : {1, 3}) {
    const auto step = make_step("pii", {{"action", "pseudonym"}});
    run_step(*step, {.in = folder / "in.jsonl", .out = folder / "out.jsonl", .workers = workers},
             silent_reporter());
    const auto out = read_file(folder / "out.jsonl");
    if (first.empty()) first = out, summary = dump_json(step->summary());
    EXPECT_TRUE(out == first && out.size() > 300'000) << out.size();
    EXPECT_EQ(dump_json(step->summary()), summary);
  }
}

TEST(PiiChecksums, KnownNumbers) {
  EXPECT_TRUE(pii::passes_luhn("79927398713"));
  EXPECT_FALSE(pii::passes_luhn("79927398714"));
  EXPECT_TRUE(pii::passes_mod97("GB82WEST12345698765432"));
  EXPECT_FALSE(pii::passes_mod97("GB82WEST12345698765433"));
  EXPECT_TRUE(pii::passes_bech32("A12UEL5L"));  // BIP 173
  EXPECT_TRUE(pii::passes_bech32("a1lqfn3a"));  // BIP 350
  EXPECT_FALSE(pii::passes_bech32("A12uEL5L"));
  EXPECT_FALSE(pii::passes_bech32("1qzzfhee"));
  EXPECT_EQ(pii::base58check_payload("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2").size(), 21U);
  EXPECT_EQ(pii::base58check_payload("0OIl"), "");
}

}  // namespace
}  // namespace tunewright::corpus

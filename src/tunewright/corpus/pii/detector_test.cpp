#include "tunewright/corpus/pii/detector.h"

#include <map>

#include "tunewright/base/files.h"
#include "tunewright/base/json.h"
#include "tunewright/base/random.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/corpus/pii/scorecard.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus::pii {
namespace {

constexpr double kThreshold = 0.4;

const Detector& detector_of(const std::string& entities) {
  static std::map<std::string, Detector> detectors;
  return detectors
      .try_emplace(entities, DetectorOptions{.entities = entity_set(split(entities, ','))})
      .first->second;
}

// What is found, as "ENTITY[value]" with a space between two.
std::string found(std::string_view text, const std::string& entities = "DEFAULT") {
  std::vector<std::string> parts;
  for (const auto& finding : detector_of(entities).find(text, kThreshold))
    parts.push_back(str(name_of(finding.entity), "[",
                        text.substr(finding.begin, finding.end - finding.begin), "]"));
  return join(parts, " ");
}

struct Case {
  const char* text;
  const char* value;  // what is found in it; empty: nothing
};

void expect_values(const std::string& entity, std::span<const Case> cases) {
  for (const auto& [text, value] : cases) {
    const std::string wanted = *value == '\0' ? "" : str(entity, "[", value, "]");
    EXPECT_EQ(found(text, entity), wanted) << text;
  }
}

TEST(PiiDetector, Email) {
  constexpr Case kCases[] = {
      {"write to jane.doe@example.com.", "jane.doe@example.com"},
      {"<ana+news@mail.example.co.uk>", "ana+news@mail.example.co.uk"},
      {"mailto:x@firma.de?subject=hi", "x@firma.de"},
      {"email=jane@example.org;", "jane@example.org"},
      {"bounce+jane=y.org@list.example.org", "bounce+jane=y.org@list.example.org"},
      {"ask bob@example.com.Then go", "bob@example.com"},
      {"jürgen.müller@müller.de schrieb", "jürgen.müller@müller.de"},
      {"邮箱foo@example.com请", "foo@example.com"},
      {"用户@例子.中国", "用户@例子.中国"},
      {"x@xn--80ak6aa92e.com", "x@xn--80ak6aa92e.com"},
      {"'o'neil@example.com'", "o'neil@example.com"},
      {"root@db.internal", "root@db.internal"},
      {"**jane@example.com**", "jane@example.com"},
      {"JANE@EXAMPLE.COM", "JANE@EXAMPLE.COM"},
      {"foo@bar", ""},
      {"@decorator.com", ""},
      {"a@b.notatld", ""},
      {"user@", ""},
      {"git@github.com:org/repo.git", ""},
      {"https://user:word@example.com/x", ""},
      {"pkg@1.2.3", ""},
      {"a @ example.com", ""},
      {"x@co.uk", ""},
  };
  expect_values("EMAIL_ADDRESS", kCases);
}

TEST(PiiDetector, Phone) {
  constexpr Case kCases[] = {
      {"Call (212) 555-0134 now", "(212) 555-0134"},
      {"415-555-0132", "415-555-0132"},
      {"+1 415 555 0132, please", "+1 415 555 0132"},
      {"tel:+14155550132", "+14155550132"},
      {"1-415-555-0132 ext. 12", "1-415-555-0132 ext. 12"},
      {"415.555.0132x3", "415.555.0132x3"},
      {"+44 20 7946 0958", "+44 20 7946 0958"},
      {"020 7946 0958", "020 7946 0958"},
      {"+49 (0)30 901820", "+49 (0)30 901820"},
      {"030/901820-0", "030/901820-0"},
      {"0170 1234567", "0170 1234567"},
      {"06 12 34 56 78", "06 12 34 56 78"},
      {"050-123-4567", "050-123-4567"},
      {"98765 43210", "98765 43210"},
      {"(11) 96123-4567", "(11) 96123-4567"},
      {"phone 4155550132", "4155550132"},
      {"order 4155550132", ""},
      {"routing number 024187187", ""},
      {"sid=02/08/08/1923211", ""},
      {"(020) 7946 0958 / 12", "(020) 7946 0958"},
      {"DE89 3704 0044 0532 0130 01", ""},
      {"NL32 UJOA 2496 0369 96", ""},
      {"(415-555-0132)", "415-555-0132"},
      {"((212) 555-0134)", "(212) 555-0134"},
      {"(+4930901820)", "+4930901820"},
      {"(+44) 20 7946 0958", "(+44) 20 7946 0958"},
      {"1700000000123", ""},
      {"1700000000", ""},
      {"12.03.2021", ""},
      {"2021-03-12", ""},
      {"1939-1945", ""},
      {"$1,234,567.89", ""},
      {"978-0-306-40615-7", ""},
      {"0-306-40615-2", ""},
      {"version 2.14.3", ""},
      {"10.0.0.1", ""},
      {"02134-1234", ""},
      {"123-456-7890", ""},
      {"555-55-5555", ""},
      {"5.41555501322", ""},
      {"id-415-555-0132", ""},
      {"€415 555 0132", ""},
  };
  expect_values("PHONE_NUMBER", kCases);
}

TEST(PiiDetector, CreditCard) {
  constexpr Case kCases[] = {
      {"card 4111 1111 1111 1111.", "4111 1111 1111 1111"},
      {"4012-8888-8888-1881", "4012-8888-8888-1881"},
      {"5555555555554444", "5555555555554444"},
      {"371449635398431", "371449635398431"},
      {"3714 496353 98431", "3714 496353 98431"},
      {"6011000990139424", "6011000990139424"},
      {"3566002020360505", "3566002020360505"},
      {"30569309025904", "30569309025904"},
      {"4222222222222", "4222222222222"},
      {"122000000000003", "122000000000003"},
      {"2221000000000009", "2221000000000009"},
      {"4111111111111112", ""},
      {"4111 1111-1111 1111", ""},
      {"1700000000123", ""},
      {"0000 0000 0000 0000", ""},
      {"a4111111111111111", ""},
      {"0.4111111111111111", ""},
      {"9780306406157", ""},
  };
  expect_values("CREDIT_CARD", kCases);
}

TEST(PiiDetector, Iban) {
  constexpr Case kCases[] = {
      {"DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"},
      {"DE89370400440532013000 2 days", "DE89370400440532013000"},
      {"GB29 NWBK 6016 1331 9268 19, thanks", "GB29 NWBK 6016 1331 9268 19"},
      {"gb29nwbk60161331926819", "gb29nwbk60161331926819"},
      {"NO93 8601 1117 947", "NO93 8601 1117 947"},
      {"MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"},
      {"DE89-3704-0044-0532-0130-00", "DE89-3704-0044-0532-0130-00"},
      {"DE89370400440532013001", ""},
      {"XX89370400440532013000", ""},
      {"DE893704004405320130", ""},
      {"DE89370400440532013000A", ""},
      {"ADE89370400440532013000", ""},
  };
  expect_values("IBAN_CODE", kCases);
}

TEST(PiiDetector, SocialSecurity) {
  constexpr Case kCases[] = {
      {"536-22-1234", "536-22-1234"},
      {"536 22 1234", "536 22 1234"},
      {"SSN 536221234", "536221234"},
      {"ssn: 53622-1234", "53622-1234"},
      {"536221234", ""},
      {"000-12-3456", ""},
      {"666-12-3456", ""},
      {"900-12-3456", ""},
      {"536-00-1234", ""},
      {"536-22-0000", ""},
      {"078-05-1120", ""},
      {"123-45-6789", ""},
      {"536-22.1234", ""},
      {"111-11-1111", ""},
      {"1-536-22-1234", ""},
      {"536-22-12345", ""},
      {"insecurity 536221234", ""},
  };
  expect_values("US_SSN", kCases);
}

TEST(PiiDetector, Network) {
  constexpr Case kIp[] = {
      {"host 192.168.0.1:8080", "192.168.0.1"},
      {"10.0.0.0/8 is", "10.0.0.0/8"},
      {"2001:db8:85a3::8a2e:370:7334", "2001:db8:85a3::8a2e:370:7334"},
      {"[fe80::1%eth0]", "fe80::1%eth0"},
      {"fe80::1.", "fe80::1"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"ping ::1", "::1"},
      {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
      {"x[::1]", ""},
      {"y[1::2]", ""},
      {"std::add(face::bed)", ""},
      {"12:30:45", ""},
      {"256.1.1.1", ""},
      {"1.2.3", ""},
      {"1.2.3.4.5", ""},
      {"version 1.2.3.4", ""},
      {"v1.2.3.4", ""},
      {"010.1.1.1", ""},
  };
  expect_values("IP_ADDRESS", kIp);
  constexpr Case kMac[] = {
      {"00:1A:2b:3c:4d:5e", "00:1A:2b:3c:4d:5e"},
      {"de:ad:be:ef:ca:fe", "de:ad:be:ef:ca:fe"},
      {"00-1A-2B-3C-4D-5E", "00-1A-2B-3C-4D-5E"},
      {"001a.2b3c.4d5e", "001a.2b3c.4d5e"},
      {"37-13-34-85-56-42", ""},
      {"ba-da-da-da-da-da", ""},
      {"00:1A-2b:3c:4d:5e", ""},
      {"ff:ff:ff:ff:ff:ff", ""},
      {"00:00:00:00:00:00", ""},
      {"00:1A:2b:3c:4d", ""},
      {"00:1A:2b:3c:4d:5e:6f", ""},
      {"00:1A:2b:3c:4d:5g", ""},
  };
  expect_values("MAC_ADDRESS", kMac);
}

TEST(PiiDetector, Crypto) {
  constexpr Case kCases[] = {
      {"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"},
      {"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"},
      {"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"},
      {"bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297",
       "bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297"},
      {"0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169EE7"},
      {"1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", ""},
      {"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdx", ""},
      {"0x0000000000000000000000000000000000000000", ""},
      {"0xdeadbeef", ""},
  };
  expect_values("CRYPTO", kCases);
}

TEST(PiiDetector, Secrets) {
  // Put together here, so that no scanner takes this file for a leak.
  const std::string random = "a8Xq29LmZ04kTyR7wVbE1cUdN6pGhJs35fQo";
  EXPECT_EQ(found(str("key ghp_", random)), str("SECRET[ghp_", random, "]"));
  EXPECT_EQ(found(str("AKIA", "IOSFODNN7QXAMPLE")), str("SECRET[AKIA", "IOSFODNN7QXAMPLE]"));
  EXPECT_EQ(found(str("sk-proj-", random)), str("SECRET[sk-proj-", random, "]"));
  EXPECT_EQ(found(str("xoxb-", "123456789012-abcdefABCDEF")),
            str("SECRET[xoxb-", "123456789012-abcdefABCDEF]"));
  const std::string jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N";
  EXPECT_EQ(found("Authorization: Bearer " + jwt), str("SECRET[", jwt, "]"));
  const std::string block = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----";
  EXPECT_EQ(found("x " + block + " y"), str("SECRET[", block, "]"));
  EXPECT_EQ(found("-----BEGIN PRIVATE KEY-----\nMIIB"),
            "SECRET[-----BEGIN PRIVATE KEY-----\nMIIB]");
  EXPECT_EQ(found("-----BEGIN PUBLIC KEY-----\nMIIB"), "");
  EXPECT_EQ(found("api_key = \"" + random + "\""), str("SECRET[", random, "]"));
  EXPECT_EQ(found("password: hunter2000."), "SECRET[hunter2000]");
  EXPECT_EQ(found("postgres://bob:s3cr3t@db.example.com/x"), "SECRET[s3cr3t]");
  EXPECT_EQ(found("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"),
            "SECRET[5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ]");  // a wallet's key
  for (const auto* text :
       {"password: required", "token = tokenizer.next_token()", "password=${PASSWORD}",
        "the key: value pairs", "ghp_short", "sk-learn-is-a-library-for-machine-learning-in-py",
        "secret = os.environ", "http://username:password@example.com", "password=your_password1",
        "a key = 12345678901234567890"})
    EXPECT_EQ(found(text), "") << text;
}

TEST(PiiDetector, NumbersOnRequest) {
  constexpr Case kItin[] = {{"912-70-1234", "912-70-1234"},
                            {"ITIN 912701234", "912701234"},
                            {"912-66-1234", ""},
                            {"812-70-1234", ""},
                            {"912701234", ""}};
  expect_values("US_ITIN", kItin);
  constexpr Case kAba[] = {{"021000021", "021000021"},
                           {"0210-0002-1", "0210-0002-1"},
                           {"021000022", ""},
                           {"991000021", ""}};
  expect_values("ABA_ROUTING_NUMBER", kAba);
  constexpr Case kNpi[] = {{"1234567893", "1234567893"},
                           {"1234-567-893", "1234-567-893"},
                           {"1234567890", ""},
                           {"1111111112", ""}};
  expect_values("US_NPI", kNpi);
  constexpr Case kMbi[] = {{"1EG4-TE5-MK73", "1EG4-TE5-MK73"},
                           {"1EG4TE5MK73", "1EG4TE5MK73"},
                           {"1EG4-TE5-MK7", ""},
                           {"1SG4TE5MK73", ""}};
  expect_values("US_MBI", kMbi);
  constexpr Case kDea[] = {{"AB1234563", "AB1234563"}, {"AB1234564", ""}};
  expect_values("MEDICAL_LICENSE", kDea);
  constexpr Case kPassport[] = {
      {"passport A12345678", "A12345678"}, {"A12345678", ""}, {"Passport: 912803456", "912803456"}};
  expect_values("US_PASSPORT", kPassport);
  constexpr Case kBank[] = {{"bank account 945456787654", "945456787654"},
                            {"945456787654", ""},
                            {"riverbanks 945456787654", ""}};
  expect_values("US_BANK_NUMBER", kBank);
}

TEST(PiiDetector, LicencesNeedAWholeWordOfContext) {
  constexpr Case kCases[] = {
      {"driver license H12234567", "H12234567"},
      {"Driving licence: AB123456", "AB123456"},
      {"vitamins D3 and H1", ""},
      {"license D3", ""},
      {"INTRODUCTORY", ""},
      {"license INTRODUCTORY", ""},
      {"H12234567", ""},
      {"the public bus H12234567", ""},
      {"on a budget A1234567", ""},
  };
  expect_values("US_DRIVER_LICENSE", kCases);
}

TEST(PiiDetector, UrlsAndDatesOnRequest) {
  constexpr Case kUrl[] = {
      {"see https://example.com/a?b=c.", "https://example.com/a?b=c"},
      {"(http://example.com/x_(y))", "http://example.com/x_(y)"},
      {"www.example.de", "www.example.de"},
      {"example.org rocks", "example.org"},
      {"http://10.0.0.1:8080/x", "http://10.0.0.1:8080/x"},
      {"main.rs and README.md", ""},
      {"end.The", ""},
      {"a.b", ""},
      {"http://", ""},
  };
  expect_values("URL", kUrl);
  constexpr Case kDate[] = {
      {"2024-03-05", "2024-03-05"},
      {"on 3/5/24.", "3/5/24"},
      {"05.03.2024", "05.03.2024"},
      {"2024-03-05T10:20:30Z", "2024-03-05T10:20:30Z"},
      {"2024-03-05T10:20:30.5+01:00", "2024-03-05T10:20:30.5+01:00"},
      {"5-MAR-2024", "5-MAR-2024"},
      {"March 5, 2024", "March 5, 2024"},
      {"the 5th of March 2024", "5th of March 2024"},
      {"March 2024", "March 2024"},
      {"date 03/2024", "03/2024"},
      {"2024-13-05", ""},
      {"32.03.2024", ""},
      {"1.2.3", ""},
      {"you may 5", ""},
      {"March on", ""},
      {"03/2024", ""},
  };
  expect_values("DATE_TIME", kDate);
  EXPECT_EQ(found("https://example.com/?mail=jane@example.com", "URL,EMAIL_ADDRESS"),
            "URL[https://example.com/?mail=jane@example.com]");
}

TEST(PiiDetector, TheLongerOneWinsThenTheSurerOne) {
  EXPECT_EQ(found("the 021000021", "ALL"), "ABA_ROUTING_NUMBER[021000021]");
  EXPECT_EQ(found("passport 021000021", "ALL"), "US_PASSPORT[021000021]");
  EXPECT_EQ(found("card 4111111111111111", "ALL"), "CREDIT_CARD[4111111111111111]");
  EXPECT_EQ(found("4155550132@example.com"), "EMAIL_ADDRESS[4155550132@example.com]");
  EXPECT_EQ(found("a@example.com,b@example.com"),
            "EMAIL_ADDRESS[a@example.com] EMAIL_ADDRESS[b@example.com]");
}

TEST(PiiDetector, PlaceholdersArePassedOver) {
  EXPECT_EQ(found("<EMAIL_ADDRESS:4155550132415555> <PHONE_NUMBER>", "ALL"), "");
  EXPECT_EQ(placeholder_end("<EMAIL_ADDRESS>", 0), 15U);
  EXPECT_EQ(placeholder_end("<EMAIL_ADDRESS x", 0), 0U);
}

TEST(PiiDetector, UnknownNamesAreErrors) {
  EXPECT_USER_ERROR(entity_set({"EMAIL_ADRESS"}), "did you mean 'EMAIL_ADDRESS'?");
  EXPECT_USER_ERROR(entity_set({}), "the list is empty");
  EXPECT_USER_ERROR(Detector({.phone_regions = {"UK"}}), "there is no region 'UK'");
}

// F1 by exact spans on planted text, beside presidio's recognizers at their own best threshold.
TEST(PiiDetector, FindsNoLessThanPresidio) {
  const auto golden = read_json(testing::source_path("tests/golden/pii.json"));
  const auto all = entity_set({"ALL"});
  Scorecard ours;
  std::map<double, Scorecard> theirs;
  for (const double threshold : {0.0, 0.1, 0.3, 0.4, 0.5, 0.6}) theirs[threshold];
  for (const auto& row : golden["rows"]) {
    const auto text = row["text"].get<std::string>();
    // Each entity by itself, as the recognizers run.
    for (size_t i = 0; i < kEntityCount; ++i)
      ours.add(text, detector_of(kEntities[i].name).find(text, kThreshold), row["truth"],
               EntitySet(1ULL << i));
    for (auto& [threshold, card] : theirs) {
      std::vector<Finding> findings;
      std::string ascii(text.size() + 1, 'x');  // spans are in characters already
      for (const auto& span : row["presidio"]) {
        for (size_t i = 0; i < kEntityCount; ++i)
          if (span[0].get<std::string>() == kEntities[i].name && span[3].get<double>() >= threshold)
            findings.push_back({span[1].get<size_t>(), span[2].get<size_t>(),
                                static_cast<Entity>(i), span[3].get<double>()});
      }
      card.add(ascii, findings, row["truth"], all);
    }
  }
  const auto result = ours.json();
  for (const auto& [entity, counts] : result.items()) {
    double best = 0;
    for (const auto& [threshold, card] : theirs) {
      const auto json = card.json();
      if (json.contains(entity)) best = std::max(best, json[entity]["f1"].get<double>());
    }
    EXPECT_GE(counts["f1"].get<double>(), best) << entity << " " << dump_json(counts);
    EXPECT_GE(counts["f1"].get<double>(), 0.9) << entity << " " << dump_json(counts);
  }
}

// Any mixture of what triggers checks: findings lie at the borders of characters, in order.
TEST(PiiDetector, HostileText) {
  const std::vector<std::string> parts = {"@",
                                          ".",
                                          "://",
                                          "::",
                                          ":",
                                          "-",
                                          "(",
                                          "+1",
                                          "0",
                                          "4111",
                                          "é",
                                          "中",
                                          "\xC2\xA0",
                                          "eyJ",
                                          "a",
                                          "F",
                                          "<",
                                          "=",
                                          " ",
                                          "-----BEGIN ",
                                          "PRIVATE KEY",
                                          "password",
                                          "\n",
                                          "1.2",
                                          "x@y.de",
                                          "DE89",
                                          "bc1",
                                          "0x",
                                          "<EMAIL_ADDRESS",
                                          ">",
                                          "March ",
                                          "%",
                                          "/32"};
  Random random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const auto count = random.below(40);
    for (uint64_t i = 0; i < count; ++i) text += parts[random.below(parts.size())];
    size_t end = 0;
    for (const auto& finding : detector_of("ALL").find(text, 0.0)) {
      ASSERT_TRUE(finding.begin >= end && finding.end > finding.begin && finding.end <= text.size())
          << text;
      const auto value = std::string_view(text).substr(finding.begin, finding.end - finding.begin);
      ASSERT_TRUE(text::is_valid_utf8(value)) << text;
      end = finding.end;
    }
  }
}

TEST(PiiDetector, LongRunsTakeLinearTime) {
  for (const char* part : {"a@", "1 ", "12-", "(", "eyJ-", "a.", "-----BEGIN PRIVATE KEY",
                           "x:", "a:b:", "://", "1."}) {
    std::string text;
    while (text.size() < 200'000) text += part;
    detector_of("ALL").find(text, 0.0);  // quadratic time would run into the test's limit
  }
}

}  // namespace
}  // namespace tunewright::corpus::pii

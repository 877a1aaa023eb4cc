#include "tunewright/rows/readers/email.h"

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/html.h"
#include "tunewright/rows/readers/mbox.h"
#include "tunewright/rows/readers/source_fixture.h"

namespace tunewright::rows {
namespace {

using testing::ByteTrickle;
using testing::read_source;

std::string bytes_of(const Json& latin1) {
  std::string bytes;
  const auto text = latin1.get<std::string>();
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      bytes += text[i];
    } else {
      const auto second = static_cast<unsigned char>(text[++i]);
      bytes += static_cast<char>((first & 3) << 6 | (second & 63));
    }
  }
  return bytes;
}

TEST(Email, ReadsAsPythonDoes) {
  const auto golden = read_json(testing::source_path("tests/golden/sources.json"));
  ASSERT_GE(golden["mails"].size(), 20u);
  for (const auto& test : golden["mails"]) {
    const auto mail = parse_mail(bytes_of(test["mail"]), {});
    for (const char* field : {"subject", "from", "to", "date", "body"})
      EXPECT_EQ(mail[field], test[field]) << test["name"] << ": " << field;
  }
}

TEST(Email, HostileMailsAreRead) {
  const auto body = [](const std::string& mail) { return parse_mail(mail, {})["body"]; };
  EXPECT_EQ(body("Subject: x\nContent-Type: text/plain; charset=no-such\n\nGr\xFC\xDF"), "Grüß");
  EXPECT_EQ(body("Subject: x\nContent-Type: text/plain; charset=utf-8\n\nGr\xFC\xDF"), "Grüß");
  EXPECT_EQ(body("Subject: x\nContent-Type: text/html\n\n<p>a<script>b</script>c"), "ac");
  EXPECT_EQ(body("Subject: x\n\n<html><body>page</body></html>"), "page");
  EXPECT_EQ(body("Subject: x\nContent-Type: multipart/mixed; boundary=\n\nrest"), "");
  EXPECT_EQ(body("Subject: x"), "");
  EXPECT_EQ(
      parse_mail("From a@b Thu Aug 22 12:36:23 2002\nSubject: =?utf-8?Q?=FF?=\n\nx", {})["body"],
      "x");
  std::string nested;
  for (int i = 0; i < 5000; ++i)
    nested += str("Content-Type: multipart/mixed; boundary=b", i, "\n\n--b", i, "\n");
  EXPECT_EQ(body("Subject: deep\n" + nested), "");
  EXPECT_USER_ERROR(parse_mail("no headers here\n\nx", {}), "not a mail");
  EXPECT_USER_ERROR(parse_mail(std::string("Subject: x\n\na\0b", 15), {}), "a NUL byte");
}

TEST(Email, GivesHeadersOnRequest) {
  const auto mail = parse_mail("Subject: x\nX-Mailer: M\nX-mailer: N\n\n", {.headers = true});
  EXPECT_EQ(mail["headers"], Json::parse(R"({"subject":"x","x-mailer":"M"})"));
}

TEST(Mbox, HoldsWhatPythonFinds) {
  const auto golden = read_json(testing::source_path("tests/golden/sources.json"))["mbox"];
  const auto path = testing::source_path("tests/data/sources/mail/two years.mbox").string();
  const auto read = read_source({.path = path});
  ASSERT_EQ(Json(read.rows.size()), golden["count"]);
  EXPECT_EQ(read.rows.back()["body"], "From here on\n\nFrom there");
  EXPECT_EQ(read.rows.back()["path"], path);
  EXPECT_TRUE(read.aside.empty());
  EXPECT_EQ(read.report.formats, (std::map<std::string, int64_t>{{"mbox", 1}}));
}

TEST(Mbox, ProseDividesNothing) {
  EXPECT_TRUE(is_mbox_separator("From jo@example.org Thu Aug 22 12:36:23 2002"));
  EXPECT_TRUE(is_mbox_separator("From MAILER-DAEMON Fri Jul  8 12:08:34 2011 +0200"));
  EXPECT_FALSE(is_mbox_separator("From here it is a mile, at 12:30"));
  EXPECT_FALSE(is_mbox_separator(">From jo@example.org Thu Aug 22 12:36:23 2002"));
  ByteTrickle stream("Subject: x\n", 100);
  MboxMails mails(stream, 100);
  EXPECT_USER_ERROR(mails.next(), "not a mailbox");
}

TEST(Maildir, GivesWhatIsInCurAndNew) {
  const auto read =
      read_source({.path = testing::source_path("tests/data/sources/maildir").string()});
  ASSERT_EQ(read.rows.size(), 3u);
  EXPECT_EQ(read.rows[0]["subject"], "seen");
  EXPECT_EQ(read.report.formats, (std::map<std::string, int64_t>{{"email", 3}}));
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (const auto& word : split(replace_all(replace_all(text, "\n", " "), "\t", " "), ' ')) {
    if (!word.empty() && word != "-") words.push_back(word);
  }
  return words;
}

TEST(Html, HasTheWordsOfAnotherParser) {
  const auto golden = read_json(testing::source_path("tests/golden/sources.json"));
  ASSERT_GE(golden["pages"].size(), 15u);
  for (const auto& test : golden["pages"]) {
    const auto page = html_text(test["page"].get<std::string>());
    const auto text = replace_all(page.text, "\u00a0", " ");  // Python's split() takes it for space
    EXPECT_EQ(Json(words_of(text)), test["words"]) << test["page"];
  }
}

TEST(Html, IsLaidOutAsABrowserDoes) {
  const auto page = html_text(
      "<title> A\n page</title><h1>Head</h1><p>one\n two "
      "<b>th</b>ree<br>four</p><ul><li>a<li>b</ul>"
      "<table><tr><th>x<th>y<tr><td>1<td>2</table><pre>  keep\n this</pre>");
  EXPECT_EQ(page.title, "A page");
  EXPECT_EQ(page.text, "Head\n\none two three\nfour\n\n- a\n- b\n\nx\ty\n1\t2\n\n  keep\n this");
  EXPECT_EQ(html_text("<nav>menu</nav><article>it</article><footer>foot</footer>").text, "it");
  EXPECT_EQ(html_text("<nav>menu</nav><footer>foot</footer>it", true).text, "menu\nfoot\nit");
}

TEST(Html, HostilePagesEndSafely) {
  const auto nested = [](int depth) {
    std::string page;
    for (int i = 0; i < depth; ++i) page += "<div></span>";
    return page + "x";
  };
  EXPECT_EQ(html_text(nested(900)).text, "x");
  EXPECT_USER_ERROR(html_text(nested(100000)), "tags nested deeper than 1000");
  std::string flat;  // open, but not nested
  for (int i = 0; i < 5000; ++i) flat += "<li>x<br>";
  EXPECT_EQ(html_text(flat + "<script>'<b><b>'</script>").text.size(), 5000u * 4 - 1);
  EXPECT_USER_ERROR(html_text(std::string(17 << 20, 'x')), "pages of up to 16 MiB");
  EXPECT_EQ(html_text("").text, "");
  EXPECT_EQ(html_text("<").text, "<");
}

}  // namespace
}  // namespace tunewright::rows

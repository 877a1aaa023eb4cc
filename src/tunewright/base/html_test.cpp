#include "tunewright/base/html.h"

#include "tunewright/base/str.h"
#include "tunewright/base/test.h"

namespace tunewright {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Html, TextIsEscapedInElementsAndInBothKindsOfQuotes) {
  EXPECT_EQ(html_escape("<a href='x' b=\"y\">&amp;"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp;amp;");
  const auto page = html_page({.title = "</title><script>", .style = "", .body = "<p>b</p>"});
  EXPECT_THAT(page, HasSubstr("<title>&lt;/title&gt;&lt;script&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("<p>b</p>"));
}

TEST(Html, PagesNeedNoNetwork) {
  const auto page = html_page({.title = "t", .style = "", .body = ""});
  for (const char* outside : {"http:", "https:", "src=", "href=", "@import", "url("})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr("width=device-width"));
}

TEST(Html, ControlsShow) { EXPECT_EQ(html_visible("a\tb\nc\x1b<"), "a⇥\tb↵\nc\\x1b&lt;"); }

TEST(Html, HugeTextsAreCutWithANote) {
  EXPECT_EQ(html_cut("short", 5), "short");
  EXPECT_EQ(cut_text("aé", 2), "a");
  EXPECT_EQ(cut_text("ééé", 4), "éé");
  const auto cut = html_cut(std::string(5000, '<'), 1000);
  EXPECT_THAT(cut, HasSubstr("&lt;&lt; <span class=\"soft\">… cut here: 3.91 KiB more</span>"));
  EXPECT_THAT(cut, Not(HasSubstr("<<")));
}

}  // namespace
}  // namespace tunewright

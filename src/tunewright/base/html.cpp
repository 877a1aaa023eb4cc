#include "tunewright/base/html.h"

#include "tunewright/base/str.h"

namespace tunewright {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ink:#17212b;--soft:#556472;--line:#dfe5ea;--page:#f5f7f9;--card:#fff;--chip:#e6ebf0;
--fine:#1a7444;--note:#2f6fb2;--warning:#8a5800;--fatal:#b3261e;--new:#1769aa;--old:#a8590f;--gone:#d98a84;--in:#d3f2dc;--out:#fbd9d6}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9aa9b8;--line:#2c3844;--page:#12181e;--card:#1a222b;--chip:#2c3844;
--fine:#5fcf8d;--note:#7db4ee;--warning:#e8b04b;--fatal:#ff8a80;--new:#6db3f2;--old:#e0a458;--gone:#a3534d;--in:#174a2b;--out:#5a2723}}
*{box-sizing:border-box}body{margin:0 auto;max-width:56rem;padding:1.2rem 1rem 3rem;color:var(--ink);background:var(--page);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .6rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
.card>h3:first-child{margin-top:0}p{margin:.5rem 0}.soft{color:var(--soft);font-size:.9rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem;margin:.7rem 0}
.verdict{font-weight:600;border-left:6px solid currentColor}
.finding{display:grid;grid-template-columns:5.4rem 1fr;gap:.2rem .8rem;padding:.45rem 0;border-top:1px solid var(--line)}
.finding:first-of-type{border-top:0}.finding b{font-size:.78rem;letter-spacing:.03em;padding-top:.15rem}
.finding i{grid-column:2;color:var(--soft);font-style:normal;font-size:.9rem}
.fine b,.verdict.fine{color:var(--fine)}.note b,.verdict.note{color:var(--note)}.warning b,.verdict.warning{color:var(--warning)}
.fatal b,.verdict.fatal{color:var(--fatal)}.new{color:var(--new)}.old{color:var(--old)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(7rem,1fr));gap:.7rem;margin:.2rem 0}
.figures b{display:block;font-size:1.15rem;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;max-width:40rem;font:12px system-ui,sans-serif}svg text{fill:var(--ink)}svg .soft{fill:var(--soft);font-size:12px}
.grid,.axis{stroke:var(--line)}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;overflow-wrap:normal}td,th{text-align:left;padding:.3rem .5rem .3rem 0;border-top:1px solid var(--line);vertical-align:top}
tr:first-child>*{border-top:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
details{border-top:1px solid var(--line);padding:.4rem 0}summary{cursor:pointer}
.text,pre{font:.84rem/1.6 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:.4rem 0 0}
ins{background:var(--in);text-decoration:none;border-radius:3px}del{background:var(--out);border-radius:3px}
.key span{margin-right:1rem;white-space:nowrap}
)";

}  // namespace

std::string html_page(const HtmlPage& page) {
  return str(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>",
      html_escape(page.title), "</title>\n<style>", kStyle, page.style, "</style></head><body>\n",
      page.body, "</body></html>\n");
}

std::string html_visible(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string html;
  for (const char c : html_escape(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      html += "↵\n";
    } else if (c == '\t') {
      html += "⇥\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      html += str("\\x", kHex[byte >> 4], kHex[byte & 15]);
    } else {
      html += c;
    }
  }
  return html;
}

std::string_view cut_text(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return text.substr(0, limit);
}

std::string html_cut(std::string_view text, size_t limit) {
  const auto kept = cut_text(text, limit);
  auto html = html_escape(kept);
  if (kept.size() < text.size()) {
    html += str(" <span class=\"soft\">… cut here: ",
                human_bytes(static_cast<double>(text.size() - kept.size())), " more</span>");
  }
  return html;
}

std::string html_figure(std::string_view name, std::string_view value) {
  return str("<div><b>", html_escape(value), "</b><span class=\"soft\">", html_escape(name),
             "</span></div>");
}

}  // namespace tunewright

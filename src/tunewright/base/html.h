#pragma once
#include <string>
#include <string_view>

// The frame that all pages have: self-contained (no network, no script), for a screen and a phone,
// light and dark.
namespace tunewright {

struct HtmlPage {
  std::string title;  // plain text
  std::string style;  // CSS of this page alone, behind what all pages share
  std::string body;   // HTML
};

// The whole document.  Its style sheet knows the colours --ink, --soft, --line, --page, --card,
// --chip, --fine, --note, --warning, --fatal, --new, --old, --gone, --in, --out, and the classes
// card, verdict, finding, figures, soft, scroll, key, fine, note, warning, fatal, new, old, text.
std::string html_page(const HtmlPage& page);

// Escaped, with white space and control characters that would not show made visible.
std::string html_visible(std::string_view text);

// `text` cut at a character boundary to at most `limit` bytes.
std::string_view cut_text(std::string_view text, size_t limit);

// Escaped, and cut to about `limit` bytes with a note that says how much is left out.
std::string html_cut(std::string_view text, size_t limit);

// A name and its figure for a grid of class "figures"; both plain text.
std::string html_figure(std::string_view name, std::string_view value);

}  // namespace tunewright

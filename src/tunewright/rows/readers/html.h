#pragma once
#include <string>
#include <string_view>

namespace tunewright::rows {

struct HtmlText {
  std::string title, text;
};

// What a reader sees of a page: the text of <main>, or of the only <article>, else of the body,
// without scripts, styles, navigation, asides and controls; a line a block, an empty line between
// paragraphs, "- " before the items of lists, tabs between cells, white space as a browser shows
// it.  `is_mail`: the whole body (newsletters put their text anywhere).
//
// Pages of more than 16 MiB, nested deeper than 1000 tags, or that make a tree of more than 512
// MiB, are UserErrors without place.  Thread-safe.
HtmlText html_text(std::string_view utf8, bool is_mail = false);

}  // namespace tunewright::rows

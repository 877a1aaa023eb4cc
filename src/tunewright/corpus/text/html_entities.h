#pragma once
#include <string>
#include <string_view>

namespace tunewright::corpus {

// The character references of HTML that end in a semicolon as the characters they stand for, also
// those of Latin letters in capitals (&NTILDE;), as ftfy 6.3.1's unescape_html decodes them.
std::u32string unescape_html(std::u32string_view text);

}  // namespace tunewright::corpus

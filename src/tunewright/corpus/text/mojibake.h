#pragma once
#include <string>
#include <string_view>

namespace tunewright::corpus {

// True where the text looks as if UTF-8 had been decoded with another encoding: ftfy 6.3.1's
// heuristic (by Robyn Speer, Apache 2.0), which knows how the characters of mojibake stand
// together.
bool looks_like_mojibake(std::u32string_view text);

// Decodes mojibake again, several layers of it where needed, as ftfy 6.3.1's fix_encoding does with
// its defaults.  Text that does not look wrong stays as it is.
std::u32string fix_encoding(std::u32string text);

// Characters of C1 become what Windows-1252 has in their places.
void fix_c1_controls(std::u32string& text);

}  // namespace tunewright::corpus

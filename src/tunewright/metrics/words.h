#pragma once
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tunewright::metrics {

// sacrebleu's ways to cut a text into words.
enum class WordCut { k13a, kIntl, kChar, kNone, kZh };
inline constexpr std::array kWordCutNames = {
    std::pair{"13a", WordCut::k13a}, std::pair{"intl", WordCut::kIntl},
    std::pair{"char", WordCut::kChar}, std::pair{"none", WordCut::kNone},
    std::pair{"zh", WordCut::kZh}};
const char* name_of(WordCut cut);

// Text with white space between its words.
std::string with_word_gaps(WordCut cut, std::string_view text);

// The pieces between white space, as Python's str.split() gives them; views into `text`.
std::vector<std::string_view> split_words(std::string_view text);

// What 13a and TER do to a text alike, byte by byte: gaps around ASCII punctuation; then around a
// full stop or comma that is not between digits, and after a dash that follows a digit.
std::string with_gaps_at_marks(std::string_view text);
std::string with_gaps_at_stops(std::string_view text);
// &quot; &amp; &lt; &gt; as characters, in this order.
std::string without_entities(std::string text);

}  // namespace tunewright::metrics

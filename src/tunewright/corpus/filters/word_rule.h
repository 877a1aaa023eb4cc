#pragma once
#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace tunewright::corpus {

// What filters call a word.
enum class WordRule { kEnglish, kWhitespace };
inline constexpr std::array<std::pair<const char*, WordRule>, 2> kWordRules = {
    {{"english", WordRule::kEnglish}, {"whitespace", WordRule::kWhitespace}}};
inline constexpr const char* kWordRuleHelp =
    "What a word is: spaCy's English tokens, as datatrove has them, or what white space parts.";

// The words of a text.  They and the text must outlive what is read; valid until the thread's next.
std::span<const std::string_view> words_of(std::string_view text, WordRule rule);

}  // namespace tunewright::corpus

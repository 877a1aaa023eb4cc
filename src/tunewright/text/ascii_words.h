#pragma once
#include <cstddef>
#include <string_view>

namespace tunewright::text {

// Finds the match of a pattern that begins at `from` < subject.size() and returns its end; 0 where
// a character outside ASCII has a say, which the regular expression then has to decide.
using AsciiMatcher = size_t (*)(std::string_view subject, size_t from);

// The matcher of one of the patterns that most byte-level tokenizers have (GPT-2's, Llama 3's,
// Qwen 2's), which cut any text without a gap; null for any other pattern.
AsciiMatcher ascii_matcher(std::string_view pattern);

extern const char* const kGpt2Pattern;

}  // namespace tunewright::text

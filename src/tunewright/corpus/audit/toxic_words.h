#pragma once
#include <string>
#include <vector>

namespace tunewright::corpus {

// Insults, profanity and threats of English, in the forms in which they occur.  Slurs against
// groups are not among them: which words are slurs is for a lexicon of one's own to say.
std::vector<std::string> english_toxic_words();

}  // namespace tunewright::corpus

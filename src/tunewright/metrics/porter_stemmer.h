#pragma once
#include <string>

namespace tunewright::metrics {

// Porter's algorithm with NLTK's extensions, which rouge-score and NLTK's METEOR use.  `word`:
// lower case; letters beyond ASCII are consonants.
std::string porter_stem(std::string word);

}  // namespace tunewright::metrics

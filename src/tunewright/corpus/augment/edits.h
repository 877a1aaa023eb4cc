#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "tunewright/base/random.h"
#include "tunewright/corpus/augment/wordnet.h"

// Small changes of a text that leave its meaning (Wei & Zou 2019, EDA).  What stands between words
// stays as it is.  None where the text gives nothing to change.
namespace tunewright::corpus {

// Two words change places, `rate` x words times, at least once.
std::optional<std::string> swap_words(std::string_view text, double rate, Random& random);

// Each word goes with probability `rate`, with the white space before it; at least one goes and one
// stays.
std::optional<std::string> delete_words(std::string_view text, double rate, Random& random);

// `rate` x words, at least one, become synonyms of theirs; short words and function words never do.
std::optional<std::string> replace_by_synonyms(std::string_view text, double rate,
                                               const WordNet& wordnet, Random& random);

// `rate` x words, at least one, get a slip of the hand: a neighbour on the keyboard (QWERTY), two
// letters turned round, one left out, one twice.  Words of four letters a to z and more alone;
// their first letter stays.
std::optional<std::string> add_typos(std::string_view text, double rate, Random& random);

}  // namespace tunewright::corpus

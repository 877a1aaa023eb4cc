#pragma once
#include <cstddef>
#include <string_view>

// Words that may be part of a name.
namespace tunewright::corpus::pii {

// The end of the word (letters of any script, digits, '_') at `begin`.
size_t name_word_end(std::string_view text, size_t begin);

// The end of what stands at `at`, where no word begins: a placeholder of this step, or a character.
size_t gap_end(std::string_view text, size_t at);

// Of a word that is not empty.  A letter without capitals (Han, Arabic) counts as one.
bool has_capital(std::string_view word);

}  // namespace tunewright::corpus::pii

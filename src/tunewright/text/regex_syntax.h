#pragma once
#include <string>
#include <string_view>

namespace tunewright::text {

// The Oniguruma pattern as PCRE2 (UTF, UCP, MULTILINE) has to be given it to match the same.  With
// `newer`, \p{L}, \p{N}, \p{M} and \p{P} hold the characters that Unicode 15 and 16 brought, which
// Oniguruma knows and Debian 12's PCRE2 does not.  What has no counterpart is a UserError that
// opens with `where`.
std::string translate_regex(std::string_view pattern, bool newer, std::string_view where);

// Whether `text` (valid UTF-8) has a character for which `newer` matters.
bool has_newer_characters(std::string_view text);

}  // namespace tunewright::text

#pragma once
#include <string_view>

#include "tunewright/base/json.h"
#include "tunewright/text/vocabulary.h"

namespace tunewright::text {

// tokenizer.json with "model.vocab" taken out of the document, where it would be slow to hold.
struct TokenizerFile {
  Json document;
  Vocabulary::Entries vocab;
};

// Malformed JSON, or a vocab that is no object of whole numbers, is a UserError that names `where`.
TokenizerFile parse_tokenizer_file(std::string_view text, std::string_view where);

}  // namespace tunewright::text

#pragma once
#include <cstdint>
#include <vector>

#include "tunewright/corpus/document.h"

namespace tunewright::corpus {

// For each of a document's texts whether it is something that a model is given: `text`, `prompt`,
// `instruction`, `input`, and what users say in `messages`, `prompt` and `conversations`.  Answers,
// system prompts and preferences are not.  All false where the row repeats a key.
std::vector<bool> are_inputs(const Document& document);

}  // namespace tunewright::corpus

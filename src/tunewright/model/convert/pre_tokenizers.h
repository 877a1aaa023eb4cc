#pragma once
#include <string>
#include <string_view>

#include "tunewright/base/json.h"

namespace tunewright::model {

// What one value of tokenizer.ggml.pre stands for, in the words of tokenizer.json.
struct PreTokenizer {
  Json normalizer, pre_tokenizer, post_processor;
  bool ignore_merges = false;
  bool adds_bos = false;  // where the file does not say
};

// An unknown name is a UserError that lists the known ones.
PreTokenizer pre_tokenizer_of(const std::string& name, std::string_view where);

}  // namespace tunewright::model

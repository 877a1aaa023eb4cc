// Words are parts of the text, in its order, and together all of it but white space.
#include "tunewright/base/error.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/corpus/text/english_words.h"
#include "tunewright/text/unicode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tunewright;
  thread_local corpus::EnglishWords words;
  std::string text;
  text::append_lossy(text, {reinterpret_cast<const char*>(data), size});
  words.split(text);
  const char* at = text.data();
  for (const auto word : words.words()) {
    if (word.empty() || word.data() < at) throw InternalError("words overlap");
    const std::string_view between(at, static_cast<size_t>(word.data() - at));
    if (!corpus::stripped(between).empty()) throw InternalError("a part of the text is in no word");
    at = word.data() + word.size();
  }
  if (words.sentences() < 1) throw InternalError("no sentence");
  return 0;
}

// tokenizer.json and texts: only UserError may come out, ids are in range, spans lie in the text,
// and streamed pieces join to the decoded whole.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/text/tokenizer.h"

namespace {

using namespace tunewright;

void check_text(const text::Tokenizer& tokenizer, std::string_view input) {
  const auto encoding = tokenizer.encode_with_spans(input, {.add_special = true});
  TUNEWRIGHT_ASSERT(encoding.ids == tokenizer.encode(input, {.add_special = true}));
  TUNEWRIGHT_ASSERT(encoding.ids.size() == encoding.spans.size());
  for (const auto& span : encoding.spans)
    TUNEWRIGHT_ASSERT(span.begin <= span.end && span.end <= input.size());
  text::StreamDecoder stream(tokenizer, false);
  std::string joined;
  for (const auto id : encoding.ids) joined += stream.put(id);
  TUNEWRIGHT_ASSERT(joined + stream.finish() == tokenizer.decode(encoding.ids));
}

}  // namespace

// The bytes up to the last zero byte are the file, those after it a text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto zero = input.rfind('\0');
  const auto file = input.substr(0, zero);
  try {
    const auto tokenizer = text::Tokenizer::parse(file, "tokenizer.json");
    check_text(tokenizer, zero == std::string_view::npos ? file : input.substr(zero + 1));
  } catch (const UserError&) {
  }
  return 0;
}

// The readers of our own on any bytes: CSV, rows of JSON, mailboxes, CoNLL, text in any encoding,
// mails and pages.  The first byte chooses the reader.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "tunewright/base/error.h"
#include "tunewright/rows/readers/csv.h"
#include "tunewright/rows/readers/email.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/html.h"
#include "tunewright/rows/readers/json_values.h"
#include "tunewright/rows/readers/mbox.h"
#include "tunewright/rows/readers/reader.h"

namespace {

using namespace tunewright;
using namespace tunewright::rows;

// In small blocks, so that every state meets the end of one.
class Bytes : public ByteStream {
 public:
  explicit Bytes(std::string_view left) : left_(left) {}
  size_t read(std::span<char> into) override {
    const auto count = left_.copy(into.data(), std::min<size_t>(into.size(), 13));
    left_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view left_;
};

void read_by(void (*reader)(Input&, Sink&), Bytes& bytes) {
  SourceOptions options{.max_row_bytes = 200};
  const Sink::Targets targets{.use = [](SourceRow&& row) { (void)row.json_line(); },
                              .set_aside = [](SetAside&&) {},
                              .note = [](const std::string&) {},
                              .cut_off = [] {}};
  Sink sink(options, "fuzz", targets);
  PeekStream stream(bytes);
  Input input{.name = "fuzz", .stream = stream};
  reader(input, sink);
}

void read_any(uint8_t choice, std::string_view text) {
  Bytes bytes(text);
  switch (choice % 8) {
    case 0:
      return read_by(&read_csv, bytes);
    case 1:
      return read_by(&read_json, bytes);
    case 2:
      return read_by(&read_mbox, bytes);
    case 3:
      return read_by(&read_conll, bytes);
    case 4:
      return read_by(&read_text, bytes);
    case 5:
      (void)parse_mail(text, {.headers = true});
      return;
    case 6:
      (void)html_text(text);
      return;
    default:
      return read_by(&read_markdown, bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  try {
    read_any(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  } catch (const tunewright::UserError&) {
  }
  return 0;
}

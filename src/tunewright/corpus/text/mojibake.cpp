#include "tunewright/corpus/text/mojibake.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tunewright/corpus/text/mojibake_categories.h"
#include "tunewright/text/python_text.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus {
namespace {

constexpr char kLost = '\x1A';  // the byte of U+FFFD in a sloppy encoding
constexpr int kMaxDepth = 40;   // of mojibake inside mojibake that is cut out
constexpr char32_t kReplacement = 0xFFFD;

uint8_t byte_at(std::string_view bytes, size_t at) {
  return at < bytes.size() ? static_cast<uint8_t>(bytes[at]) : 0;
}
bool is_between(uint8_t byte, int first, int last) { return byte >= first && byte <= last; }

// An encoding from characters to bytes.
class Encoder {
 public:
  explicit Encoder(const Encoding& encoding) : sloppy_(encoding.sloppy) {
    for (int i = 0; i < 128; ++i) bytes_[encoding.points[i]] = static_cast<char>(128 + i);
  }
  // None where a character has no byte.
  std::optional<std::string> encode(std::u32string_view text) const {
    std::string out;
    out.reserve(text.size());
    for (const auto point : text) {
      if (point < 0x80) {
        if (sloppy_ && point == 0x1A) return std::nullopt;
        out += static_cast<char>(point);
      } else if (sloppy_ && point == kReplacement) {
        out += kLost;
      } else if (const auto it = bytes_.find(point); it != bytes_.end()) {
        out += it->second;
      } else {
        return std::nullopt;
      }
    }
    return out;
  }

 private:
  bool sloppy_;
  std::unordered_map<char32_t, char> bytes_;
};

const std::vector<Encoder>& encoders() {
  static const std::vector<Encoder> encoders(kEncodings.begin(), kEncodings.end());
  return encoders;
}

std::optional<std::string> encode_latin1(std::u32string_view text) {
  std::string out;
  for (const auto point : text) {
    if (point > 0xFF) return std::nullopt;
    out += static_cast<char>(point);
  }
  return out;
}

// The size of a sequence that would be UTF-8, were one byte A0 not a space; 0: none.
size_t altered_size(std::string_view bytes, size_t at) {
  const auto lead = byte_at(bytes, at), b = byte_at(bytes, at + 1), c = byte_at(bytes, at + 2),
             d = byte_at(bytes, at + 3);
  const auto tail = [](uint8_t x) { return is_between(x, 0x80, 0xBF); };
  const auto odd_tail = [&](uint8_t x) { return tail(x) && x != 0x85 && x != 0xA0; };
  if (std::string_view("\xC2\xC3\xC5\xCE\xD0\xD9").find(static_cast<char>(lead)) !=
      std::string_view::npos)
    return b == ' ' ? 2 : 0;
  if ((lead == 0xE2 || lead == 0xE3) && b == ' ' && odd_tail(c)) return 3;
  if (is_between(lead, 0xE0, 0xE3) && odd_tail(b) && c == ' ') return 3;
  if (lead != 0xF0) return 0;
  const bool fits = (b == ' ' && tail(c) && tail(d)) || (tail(b) && c == ' ' && tail(d)) ||
                    (tail(b) && tail(c) && d == ' ');
  return fits ? 4 : 0;
}

bool has_altered(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); ++at)
    if (altered_size(bytes, at) > 0) return true;
  return false;
}

// "Ã " as a word of its own is "à " that lost its byte A0, and not the beginning of the next word.
void restore_a_grave(std::string& bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); ++at) {
    out += bytes[at];
    if (byte_at(bytes, at) != 0xC3 || byte_at(bytes, at + 1) != ' ') continue;
    const auto rest = std::string_view(bytes).substr(at + 2);
    const bool part_of_word =
        std::ranges::any_of(std::array<std::string_view, 5>{" ", "quele", "quela", "quilo", "s "},
                            [&](std::string_view word) { return rest.starts_with(word); });
    if (!part_of_word) out += '\xA0';
  }
  bytes = std::move(out);
}

void restore_byte_a0(std::string& bytes) {
  restore_a_grave(bytes);
  for (size_t at = 0; at < bytes.size();) {
    const auto size = altered_size(bytes, at);
    std::replace(bytes.begin() + static_cast<int64_t>(at),
                 bytes.begin() + static_cast<int64_t>(at + size), ' ', '\xA0');
    at += std::max<size_t>(size, 1);
  }
}

// The size of a sequence of UTF-8 (or of CESU-8) that has lost some of its bytes; 0: none.
size_t lossy_size(std::string_view bytes, size_t at) {
  const auto lead = byte_at(bytes, at), b = byte_at(bytes, at + 1), c = byte_at(bytes, at + 2),
             d = byte_at(bytes, at + 3), e = byte_at(bytes, at + 4), f = byte_at(bytes, at + 5);
  const auto lost = [](uint8_t x) { return x == kLost; };
  const auto asked = [](uint8_t x) { return x == kLost || x == '?'; };
  const auto tail = [](uint8_t x) { return is_between(x, 0x80, 0xBF); };
  const auto any = [&](uint8_t x) { return lost(x) || tail(x); };
  const auto all = [&](uint8_t x) { return asked(x) || tail(x); };
  if (is_between(lead, 0xC2, 0xDF) && lost(b)) return 2;
  if (is_between(lead, 0xC2, 0xC3) && b == '?') return 2;
  if (lead == 0xED && is_between(b, 0xA0, 0xAF) && d == 0xED && is_between(e, 0xB0, 0xBF) &&
      ((asked(c) && all(f)) || (all(c) && asked(f))))
    return 6;
  if (is_between(lead, 0xE0, 0xEF) && ((asked(b) && any(c)) || (any(b) && asked(c)))) return 3;
  if (is_between(lead, 0xF0, 0xF4) &&
      ((asked(b) && any(c) && any(d)) || (any(b) && asked(c) && any(d)) ||
       (any(b) && any(c) && asked(d))))
    return 4;
  return lost(lead) ? 1 : 0;
}

void replace_lossy_sequences(std::string& bytes) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    if (const auto size = lossy_size(bytes, at); size > 0) {
      out += text::kReplacementUtf8;
      at += size;
    } else {
      out += bytes[at++];
    }
  }
  bytes = std::move(out);
}

// UTF-8, and its variants: surrogates as pairs of three bytes, U+0000 as C0 80.
std::optional<std::u32string> decode(std::string_view bytes) {
  std::u32string out;
  for (size_t at = 0; at < bytes.size();) {
    const auto lead = byte_at(bytes, at);
    if (lead < 0x80) {
      out += lead;
      ++at;
      continue;
    }
    if (lead == 0xC0 && byte_at(bytes, at + 1) == 0x80) {
      out += U'\0';
      at += 2;
      continue;
    }
    const auto tail = [&](size_t i) { return static_cast<char32_t>(byte_at(bytes, at + i)); };
    if (lead == 0xED && at + 6 <= bytes.size() && is_between(byte_at(bytes, at + 1), 0xA0, 0xAF) &&
        is_between(byte_at(bytes, at + 2), 0x80, 0xBF) && tail(3) == 0xED &&
        is_between(byte_at(bytes, at + 4), 0xB0, 0xBF) &&
        is_between(byte_at(bytes, at + 5), 0x80, 0xBF)) {
      out += ((tail(1) & 0x0F) << 16) + ((tail(2) & 0x3F) << 10) + ((tail(4) & 0x0F) << 6) +
             (tail(5) & 0x3F) + 0x10000;
      at += 6;
      continue;
    }
    const auto step = text::utf8_step(bytes, at);
    if (step.kind != text::Utf8Step::Kind::kCharacter) return std::nullopt;
    out += text::code_point_at(bytes, at).value;
    at += step.size;
  }
  return out;
}

std::optional<std::u32string> decode_again(std::u32string_view text) {
  if (const auto bytes = encode_latin1(text)) {
    auto repaired = *bytes;
    if (has_altered(repaired)) restore_byte_a0(repaired);
    if (auto decoded = decode(repaired)) return decoded;
  }
  for (size_t i = 0; i < kEncodings.size(); ++i) {
    auto bytes = encoders()[i].encode(text);
    if (!bytes) continue;
    if (kEncodings[i].restores_space && has_altered(*bytes)) restore_byte_a0(*bytes);
    if (kEncodings[i].sloppy) replace_lossy_sequences(*bytes);
    if (auto decoded = decode(*bytes)) return decoded;
  }
  return std::nullopt;
}

// The end of a run of characters that look like sequences of UTF-8; `at` where there is none.
size_t embedded_end(std::u32string_view text, size_t at) {
  const auto is = [&](size_t i, uint32_t category) {
    return i < text.size() && (mojibake_category(text[i]) & category) != 0;
  };
  while (true) {
    if (is(at, kUtf8FirstOf2) && is(at + 1, kUtf8Continuation)) {
      at += 2;
    } else if (is(at, kUtf8FirstOf3) && is(at + 1, kUtf8Continuation) &&
               is(at + 2, kUtf8Continuation)) {
      at += 3;
    } else if (is(at, kUtf8FirstOf4) && is(at + 1, kUtf8Continuation) &&
               is(at + 2, kUtf8Continuation) && is(at + 3, kUtf8Continuation)) {
      at += 4;
    } else {
      return at;
    }
  }
}

std::u32string fix_to_depth(std::u32string text, int depth);

// Mojibake within text that is right otherwise, each run for itself.
std::u32string fix_embedded(std::u32string_view text, int depth) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    const bool in_garble =
        at > 0 && (mojibake_category(text[at - 1]) & kUtf8ContinuationStrict) != 0;
    const auto end = in_garble ? at : embedded_end(text, at);
    const auto run = text.substr(at, end - at);
    if (run.empty()) {
      out += text[at++];
      continue;
    }
    if (run.size() < text.size() && looks_like_mojibake(run)) {
      out += fix_to_depth(std::u32string(run), depth + 1);
    } else {
      out += run;
    }
    at = end;
  }
  return out;
}

bool is_c1(char32_t point) { return point >= 0x80 && point <= 0x9F; }
const Encoding& windows_1252() { return kEncodings.front(); }

std::u32string fix_once(const std::u32string& text, int depth) {
  const auto is_ascii = [](char32_t c) { return c < 0x80; };
  if (std::ranges::all_of(text, is_ascii) || !looks_like_mojibake(text)) return text;
  if (auto decoded = decode_again(text)) return std::move(*decoded);
  if (depth < kMaxDepth) {
    if (auto fixed = fix_embedded(text, depth); fixed != text) return fixed;
  }
  auto fixed = text;
  fix_c1_controls(fixed);
  return fixed;
}

std::u32string fix_to_depth(std::u32string text, int depth) {
  while (true) {
    auto fixed = fix_once(text, depth);
    if (fixed == text) return text;
    text = std::move(fixed);
  }
}

}  // namespace

void fix_c1_controls(std::u32string& text) {
  for (auto& point : text)
    if (is_c1(point)) point = windows_1252().points[point - 0x80];
}

std::u32string fix_encoding(std::u32string text) { return fix_to_depth(std::move(text), 0); }

}  // namespace tunewright::corpus

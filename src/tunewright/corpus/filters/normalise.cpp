#include "tunewright/corpus/filters/normalise.h"

#include <unicode/normalizer2.h>

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/corpus/text/characters.h"
#include "tunewright/corpus/text/html_entities.h"
#include "tunewright/corpus/text/mojibake.h"
#include "tunewright/text/python_text.h"

namespace tunewright::corpus {
namespace {

using Reasons = std::vector<std::string>;

// So much is repaired at once, as ftfy does.
constexpr size_t kMaxSegment = 1000000;

// Lines that stand alone on many pages, without their punctuation.
constexpr const char* kBoilerplate[] = {"accept all cookies",
                                        "accept cookies",
                                        "add to cart",
                                        "advertisement",
                                        "all rights reserved",
                                        "back to top",
                                        "click here",
                                        "click here to subscribe",
                                        "comments are closed",
                                        "cookie policy",
                                        "follow us on facebook",
                                        "follow us on instagram",
                                        "follow us on twitter",
                                        "leave a comment",
                                        "leave a reply",
                                        "load more",
                                        "log in",
                                        "next page",
                                        "previous page",
                                        "print this page",
                                        "privacy policy",
                                        "read more",
                                        "related articles",
                                        "related posts",
                                        "share on facebook",
                                        "share on linkedin",
                                        "share on twitter",
                                        "share this",
                                        "share this article",
                                        "share this post",
                                        "show more",
                                        "sign in",
                                        "sign up",
                                        "skip to content",
                                        "skip to main content",
                                        "skip to navigation",
                                        "sponsored content",
                                        "subscribe",
                                        "subscribe now",
                                        "subscribe to our newsletter",
                                        "terms and conditions",
                                        "terms of service",
                                        "terms of use",
                                        "toggle navigation",
                                        "tweet",
                                        "view comments"};

bool is_control(char32_t c) {
  if (c < 0x20) return c != '\t' && c != '\n' && c != '\f' && c != '\r';
  return c == 0x7F || (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

bool is_line_break(char32_t c) { return c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85; }

void make_newlines(std::u32string& text) {
  std::u32string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') continue;
    out += is_line_break(text[at]) ? U'\n' : text[at];
  }
  text = std::move(out);
}

// ESC [ 3 1 m and the like.
void remove_terminal_escapes(std::u32string& text) {
  for (size_t at = text.find(U'\x1B'); at != std::u32string::npos; at = text.find(U'\x1B', at)) {
    auto end = at + 1;
    if (end < text.size() && text[end] == '[') {
      do ++end;
      while (end < text.size() && (text[end] == ';' || (flags_of(text[end]) & kDigit) != 0));
      const auto lower = end < text.size() ? text[end] | 0x20 : 0;
      if (lower >= 'a' && lower <= 'z') {
        text.erase(at, end + 1 - at);
        continue;
      }
    }
    ++at;
  }
}

const icu::Normalizer2& normalizer_of(UnicodeForm form) {
  UErrorCode error = U_ZERO_ERROR;
  const auto* normalizer = form == UnicodeForm::kNfc ? icu::Normalizer2::getNFCInstance(error)
                                                     : icu::Normalizer2::getNFKCInstance(error);
  if (U_FAILURE(error)) throw InternalError("ICU has no data for Unicode's normal forms");
  return *normalizer;
}

std::u32string in_form(const std::u32string& text, UnicodeForm form) {
  const auto& normalizer = normalizer_of(form);
  const auto utf8 = text::python::encode(text);
  UErrorCode error = U_ZERO_ERROR;
  if (normalizer.isNormalizedUTF8(utf8, error) && U_SUCCESS(error)) return text;
  error = U_ZERO_ERROR;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  normalizer.normalizeUTF8(0, utf8, sink, nullptr, error);
  if (U_FAILURE(error)) throw InternalError("ICU could not normalise a text");
  return text::python::decode(out);
}

bool may_need_repair(std::string_view line) {
  return std::ranges::any_of(line, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x7F || c == '&' || (byte < ' ' && c != '\t' && c != '\n');
  });
}

// Cuts a line into segments; its newline belongs to the last.
size_t segment_end(std::string_view text, size_t begin) {
  const auto newline = text.find('\n', begin);
  auto end = newline == std::string_view::npos ? text.size() : newline + 1;
  if (end - begin <= kMaxSegment) return end;
  size_t characters = 0;
  for (size_t at = begin; at < end; ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80 && ++characters > kMaxSegment)
      return at;
  }
  return end;
}

std::string_view without_end(std::string_view line) {
  const auto last = line.find_last_not_of(" \t");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Lines without white space behind them, and one empty line of several.
std::string tidy_lines(std::string_view text) {
  std::string out;
  int64_t empty = 0;
  for (size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = without_end(text.substr(at, end - at));
    at = end + 1;
    empty = line.empty() ? empty + 1 : 0;
    if (empty > 1) continue;
    (out += line) += '\n';
  }
  const auto first = out.find_first_not_of('\n');
  if (first == std::string::npos) return "";
  out.erase(out.find_last_not_of('\n') + 1);
  return out.substr(first);
}

std::string collapse_spaces(std::string_view text) {
  std::string out;
  bool in_line = false;  // indentation stays
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool blank = c == ' ' || c == '\t';
    if (c == '\n') in_line = false;
    if (!blank && c != '\n') in_line = true;
    if (blank && in_line) {
      while (at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\t')) ++at;
      out += ' ';
    } else {
      out += c;
    }
  }
  return out;
}

// What a line of boilerplate is compared by.
std::string bare_line(std::string_view line) {
  constexpr std::string_view kAround = " \t.!:»«›>|-–—*•©";
  line = stripped(line);
  const auto first = line.find_first_not_of(kAround);
  if (first == std::string_view::npos) return "";
  return text::python::lower(line.substr(first, line.find_last_not_of(kAround) + 1 - first));
}

void note(Reasons& reasons, const char* reason) {
  if (std::ranges::find(reasons, reason) == reasons.end()) reasons.emplace_back(reason);
}

}  // namespace

Normalise::Normalise(const NormaliseOptions& options) : options_(options) {
  if (options.boilerplate) boilerplate_.assign(std::begin(kBoilerplate), std::end(kBoilerplate));
  for (const auto& line : options.boilerplate_lines) boilerplate_.push_back(bare_line(line));
  std::ranges::sort(boilerplate_);
}

// The fixes in ftfy's order, until nothing changes: one may uncover another.
std::u32string Normalise::repaired(std::u32string line, bool entities, Reasons& why) const {
  const auto apply = [&](const char* reason, std::u32string fixed) {
    if (fixed == line) return;
    note(why, reason);
    line = std::move(fixed);
  };
  while (true) {
    const auto before = line;
    if (entities) apply("html_entities", unescape_html(line));
    if (options_.mojibake) {
      auto fixed = fix_encoding(line);
      fix_c1_controls(fixed);
      apply("mojibake", std::move(fixed));
    }
    if (options_.line_breaks && std::ranges::any_of(line, is_line_break)) {
      auto fixed = line;
      make_newlines(fixed);
      apply("line_breaks", std::move(fixed));
    }
    if (options_.control_characters && std::ranges::any_of(line, is_control)) {
      auto fixed = line;
      remove_terminal_escapes(fixed);
      std::erase_if(fixed, is_control);
      apply("control_characters", std::move(fixed));
    }
    if (options_.unicode != UnicodeForm::kNone) apply("unicode", in_form(line, options_.unicode));
    if (line == before) return line;
  }
}

std::string Normalise::without_boilerplate(std::string_view text) const {
  std::string out;
  bool found = false;
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const auto line = text.substr(at, end - at);
    at = end;
    if (std::ranges::binary_search(boilerplate_, bare_line(line)) && !stripped(line).empty()) {
      found = true;
    } else {
      out += line;
    }
  }
  // A text that would be left with nothing is no page: it keeps its lines.
  return !found || stripped(out).empty() ? std::string(text) : out;
}

std::string Normalise::normalised(std::string_view text, Reasons& reasons) const {
  std::string out;
  bool entities = options_.html_entities != EntityRule::kNever;
  for (size_t at = 0; at < text.size();) {
    const auto end = segment_end(text, at);
    const auto line = text.substr(at, end - at);
    at = end;
    if (options_.html_entities == EntityRule::kAuto && line.find('<') != std::string_view::npos)
      entities = false;
    if (may_need_repair(line)) {
      out += text::python::encode(repaired(text::python::decode(line), entities, reasons));
    } else {
      out += line;
    }
  }
  const auto apply = [&](const char* reason, std::string changed) {
    if (changed == out) return;
    note(reasons, reason);
    out = std::move(changed);
  };
  if (!boilerplate_.empty()) apply("boilerplate", without_boilerplate(out));
  if (options_.collapse_spaces) apply("white_space", collapse_spaces(out));
  if (options_.white_space) apply("white_space", tidy_lines(out));
  return out;
}

Verdict Normalise::judge(Document& document, int64_t /*row*/) const {
  Reasons reasons;
  for (size_t i = 0; i < document.texts().size(); ++i) {
    auto text = normalised(document.texts()[i], reasons);
    if (text != document.texts()[i]) document.replace(i, std::move(text));
  }
  return reasons.empty() ? Verdict{} : changed(join(reasons, ", "));
}

}  // namespace tunewright::corpus

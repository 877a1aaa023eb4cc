#define PCRE2_CODE_UNIT_WIDTH 8
#include "tunewright/text/regex.h"

#include <pcre2.h>

#include <algorithm>
#include <cstddef>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/regex_syntax.h"
#include "tunewright/text/unicode.h"

namespace tunewright::text {
namespace {

constexpr size_t kFirstStackBytes = 64 << 10, kMaxStackBytes = 32 << 20;
constexpr uint32_t kMatchLimit = 100'000'000;
constexpr uint32_t kHeapLimitKib = 256 << 10;

// What a thread needs to match; reused by all patterns.
struct MatchState {
  MatchState() {
    data = pcre2_match_data_create(1, nullptr);
    context = pcre2_match_context_create(nullptr);
    stack = pcre2_jit_stack_create(kFirstStackBytes, kMaxStackBytes, nullptr);
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_set_heap_limit(context, kHeapLimitKib);
    if (stack != nullptr) pcre2_jit_stack_assign(context, nullptr, stack);
  }
  MatchState(const MatchState&) = delete;
  MatchState& operator=(const MatchState&) = delete;
  ~MatchState() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  pcre2_match_data* data;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

MatchState& match_state() {
  thread_local MatchState state;
  return state;
}

std::string pcre2_text(int error) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(error, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

void Regex::FreeCode::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

Regex::Regex(std::string_view pattern, std::string where)
    : pattern_(pattern), where_(std::move(where)), ascii_(ascii_matcher(pattern)) {
  const auto plain = translate_regex(pattern, false, where_);
  code_ = compile(plain);
  const auto with_newer = translate_regex(pattern, true, where_);
  if (with_newer != plain) code_for_newer_ = compile(with_newer);
}

Regex::Code Regex::compile(const std::string& translated) const {
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), &pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  Code code(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                          PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get()));
  if (!code) {
    throw UserError(str(where_, ": the regular expression '", excerpt(pattern_, 120),
                        "' is not valid: ", pcre2_text(error)));
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where it fails, pcre2_match interprets
  return code;
}

Range Regex::search(const pcre2_real_code_8* code, std::string_view subject, size_t from,
                    bool& found) const {
  auto& state = match_state();
  const auto run = [&](uint32_t options) {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(), from,
                       options | PCRE2_NO_UTF_CHECK, state.data, state.context);
  };
  int result = run(0);
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = run(PCRE2_NO_JIT);
  found = result >= 0;
  if (result == PCRE2_ERROR_NOMATCH) return {};
  if (!found) {
    throw UserError(str(where_, ": the regular expression '", excerpt(pattern_, 120),
                        "' gave up on ", subject.size(), " bytes of text at byte ", from, ": ",
                        pcre2_text(result), "; shorten the text"));
  }
  const auto* offsets = pcre2_get_ovector_pointer(state.data);
  return {static_cast<uint32_t>(offsets[0]), static_cast<uint32_t>(offsets[1])};
}

void Regex::find_all(std::string_view subject, std::vector<Range>& matches) const {
  const pcre2_real_code_8* code = nullptr;  // chosen when the first match needs it
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t last_end = kNone;
  for (size_t from = 0; from <= subject.size();) {
    const auto end = ascii_ && from < subject.size() ? ascii_(subject, from) : 0;
    if (end > 0) {
      matches.push_back({static_cast<uint32_t>(from), static_cast<uint32_t>(end)});
      from = last_end = end;
      continue;
    }
    if (ascii_ && from == subject.size()) break;  // its pattern matches nothing there
    if (code == nullptr) {
      code = code_for_newer_ && has_newer_characters(subject) ? code_for_newer_.get() : code_.get();
    }
    bool found = false;
    const auto match = search(code, subject, from, found);
    if (!found) break;
    // An empty match right after the last one does not count.
    if (match.begin == match.end && match.end == last_end) {
      from += from < subject.size() ? code_point_at(subject, from).size : 1;
      continue;
    }
    matches.push_back(match);
    from = last_end = match.end;
  }
}

Pattern Pattern::parse(const JsonNode& node) {
  if (node.is_string()) return literal(node.as_string());
  if (const auto text = node.find("String")) return literal(text->as_string());
  if (const auto regex_node = node.find("Regex"))
    return regex(regex_node->as_string(), regex_node->where());
  node.fail("expected {\"String\": …} or {\"Regex\": …}");
}

Pattern Pattern::literal(std::string text) {
  if (text.empty()) return regex("", "an empty pattern");
  Pattern pattern;
  pattern.literal_ = std::move(text);
  return pattern;
}

Pattern Pattern::regex(std::string_view source, std::string where) {
  Pattern pattern;
  pattern.regex_ = std::make_shared<const Regex>(source, std::move(where));
  return pattern;
}

void Pattern::cut(std::string_view subject, std::vector<Part>& parts) const {
  if (subject.empty()) {
    parts.push_back({0, 0, false});
    return;
  }
  uint32_t previous = 0;
  const auto add = [&](Range match) {
    if (previous != match.begin) parts.push_back({previous, match.begin, false});
    parts.push_back({match.begin, match.end, true});
    previous = match.end;
  };
  if (regex_) {
    thread_local std::vector<Range> matches;
    matches.clear();
    regex_->find_all(subject, matches);
    for (const auto match : matches) add(match);
  } else {
    const auto size = static_cast<uint32_t>(literal_.size());
    for (size_t at = subject.find(literal_); at != std::string_view::npos;
         at = subject.find(literal_, at + size)) {
      add({static_cast<uint32_t>(at), static_cast<uint32_t>(at) + size});
    }
  }
  const auto end = static_cast<uint32_t>(subject.size());
  if (previous != end) parts.push_back({previous, end, false});
}

Behavior parse_behavior(const JsonNode& node) {
  return static_cast<Behavior>(
      node.choice("the behaviour",
                  {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"}));
}

namespace {

// `merges(part, previous_is_match)`: whether the part joins the piece before it.
template <class Merges>
void fold(const std::vector<Part>& parts, std::vector<Range>& pieces, Merges merges) {
  const auto first = pieces.size();
  bool previous = false;
  for (const auto& part : parts) {
    if (merges(part.is_match, previous) && pieces.size() > first) {
      pieces.back().end = part.end;
    } else {
      pieces.push_back({part.begin, part.end});
    }
    previous = part.is_match;
  }
}

void fold_with_next(const std::vector<Part>& parts, std::vector<Range>& pieces) {
  const auto first = pieces.size();
  bool previous = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->is_match && !previous && pieces.size() > first) {
      pieces.back().begin = part->begin;
    } else {
      pieces.push_back({part->begin, part->end});
    }
    previous = part->is_match;
  }
  std::reverse(pieces.begin() + static_cast<ptrdiff_t>(first), pieces.end());
}

}  // namespace

void apply_behavior(Behavior behavior, const std::vector<Part>& parts, std::vector<Range>& pieces) {
  switch (behavior) {
    case Behavior::kRemoved:
      for (const auto& part : parts) {
        if (!part.is_match) pieces.push_back({part.begin, part.end});
      }
      return;
    case Behavior::kIsolated:
      return fold(parts, pieces, [](bool, bool) { return false; });
    case Behavior::kMergedWithPrevious:
      return fold(parts, pieces, [](bool match, bool previous) { return match && !previous; });
    case Behavior::kMergedWithNext:
      return fold_with_next(parts, pieces);
    case Behavior::kContiguous:
      return fold(parts, pieces, [](bool match, bool previous) { return match == previous; });
  }
}

}  // namespace tunewright::text

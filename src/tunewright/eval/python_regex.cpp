#include "tunewright/eval/python_regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::eval {
namespace {

std::string message_of(int error) {
  PCRE2_UCHAR8 text[256] = {};
  pcre2_get_error_message(error, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

void PythonRegex::FreeCode::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }

PythonRegex::PythonRegex(std::string_view pattern, std::string where) : where_(std::move(where)) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                            PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                            nullptr));
  if (!code_) {
    throw UserError(str(where_, ": '", excerpt(pattern),
                        "' is not a regular expression: ", message_of(error), " at byte ", offset));
  }
}

std::vector<std::vector<size_t>> PythonRegex::matches(std::string_view subject) const {
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create_from_pattern(code_.get(), nullptr), pcre2_match_data_free);
  const uint32_t pairs = pcre2_get_ovector_count(data.get());
  std::vector<std::vector<size_t>> found;
  size_t from = 0;
  uint32_t options = 0;  // after an empty match: another one here must not be empty
  while (from <= subject.size()) {
    const int result = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                   subject.size(), from, options, data.get(), nullptr);
    if (result == PCRE2_ERROR_NOMATCH) {
      if (options == 0) break;
      ++from;
      while (from < subject.size() && (static_cast<unsigned char>(subject[from]) & 0xc0) == 0x80)
        ++from;
      options = 0;
      continue;
    }
    if (result < 0) throw UserError(str(where_, ": the search gave up: ", message_of(result)));
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    found.emplace_back(bounds, bounds + 2 * pairs);
    from = bounds[1];
    options = bounds[0] == bounds[1] ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
  }
  return found;
}

std::vector<std::vector<std::string>> PythonRegex::find_all(std::string_view subject) const {
  std::vector<std::vector<std::string>> all;
  for (const auto& bounds : matches(subject)) {
    auto& groups = all.emplace_back();
    for (size_t i = bounds.size() > 2 ? 2 : 0; i < bounds.size(); i += 2) {
      const bool took_part = bounds[i] != PCRE2_UNSET;
      groups.emplace_back(took_part ? subject.substr(bounds[i], bounds[i + 1] - bounds[i])
                                    : std::string_view());
    }
  }
  return all;
}

std::string PythonRegex::replace_all(std::string_view subject, std::string_view replacement) const {
  std::string out;
  size_t from = 0;
  for (const auto& bounds : matches(subject)) {
    out += subject.substr(from, bounds[0] - from);
    for (size_t i = 0; i < replacement.size(); ++i) {
      const size_t group = i + 1 < replacement.size() && replacement[i] == '\\'
                               ? static_cast<size_t>(replacement[i + 1] - '0')
                               : 0;
      if (group == 0 || group > 9) {
        out += replacement[i];
        continue;
      }
      if (2 * group + 1 < bounds.size() && bounds[2 * group] != PCRE2_UNSET)
        out += subject.substr(bounds[2 * group], bounds[2 * group + 1] - bounds[2 * group]);
      ++i;
    }
    from = bounds[1];
  }
  return out += subject.substr(from);
}

}  // namespace tunewright::eval

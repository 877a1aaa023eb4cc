#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// PCRE2's compiled pattern.
struct pcre2_real_code_8;

namespace tunewright::eval {

// A regular expression in Python's syntax, as far as PCRE2 shares it: what filters of
// lm-evaluation-harness use.  Immutable; thread-safe.
class PythonRegex {
 public:
  // A pattern that cannot be compiled is a UserError that opens with `where`.
  PythonRegex(std::string_view pattern, std::string where);

  // re.findall: of each match the texts of its groups (empty where a group took no part), or where
  // the pattern has none, the whole match.
  std::vector<std::vector<std::string>> find_all(std::string_view subject) const;
  // re.sub; \1 to \9 in `replacement` are the groups' texts.
  std::string replace_all(std::string_view subject, std::string_view replacement) const;

 private:
  struct FreeCode {
    void operator()(pcre2_real_code_8* code) const;
  };
  // Of each match, begin and end of the whole and of each group.
  std::vector<std::vector<size_t>> matches(std::string_view subject) const;

  std::string where_;
  std::unique_ptr<pcre2_real_code_8, FreeCode> code_;
};

}  // namespace tunewright::eval

#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::eval {

// Finds the label that a free answer begins with.  Upper and lower case, and marks around a word
// (quotes, asterisks, full stops), make no difference: "**Spam**." is spam, "spammy" is not.
class LabelReader {
 public:
  // No label, an empty one, or two that differ only in case or marks: a UserError that opens with
  // `where`.
  LabelReader(std::vector<std::string> labels, std::string_view where);

  const std::vector<std::string>& labels() const { return labels_; }
  std::optional<size_t> index_of(std::string_view label) const;  // exactly, after trimming
  std::optional<size_t> read(std::string_view answer) const;
  // No continuation of `answer` can change what read() gives.
  bool settled(std::string_view answer) const;

 private:
  std::vector<std::string> labels_;
  std::vector<std::string> plain_;  // lower case, words joined by single spaces
};

}  // namespace tunewright::eval

#include "tunewright/corpus/split/time_value.h"

#include <chrono>
#include <string>
#include <string_view>

namespace tunewright::corpus {
namespace {

// Takes parts of a date from the front of a text; what does not fit makes it invalid.
class DateParser {
 public:
  explicit DateParser(std::string_view text) : rest_(text) {}

  // So many digits, or 0.
  int digits(size_t count) {
    int value = 0;
    for (size_t i = 0; i < count; ++i) {
      const bool digit = i < rest_.size() && rest_[i] >= '0' && rest_[i] <= '9';
      valid_ &= digit;
      if (!digit) return 0;
      value = 10 * value + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }
  // Of seconds: digits of any number.
  double fraction() {
    double value = 0, unit = 0.1;
    valid_ &= !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; unit /= 10) {
      value += unit * (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  bool take(std::string_view one_of) {
    if (rest_.empty() || one_of.find(rest_.front()) == one_of.npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void require(bool condition) { valid_ &= condition; }
  bool starts_with(char c) const { return rest_.starts_with(c); }
  bool is_valid() const { return valid_; }
  bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool valid_ = true;
};

double seconds_of_date(DateParser& parser) {
  const int year = parser.digits(4);
  parser.require(parser.take("-"));
  const int month = parser.digits(2);
  parser.require(parser.take("-"));
  const int day = parser.digits(2);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  parser.require(date.ok());
  return date.ok() ? 86400.0 * std::chrono::sys_days(date).time_since_epoch().count() : 0;
}

double seconds_of_clock(DateParser& parser) {
  double seconds = 3600.0 * parser.digits(2);
  parser.require(seconds < 86400 && parser.take(":"));
  const int minutes = parser.digits(2);
  parser.require(minutes < 60);
  seconds += 60.0 * minutes;
  if (parser.take(":")) {
    const int whole = parser.digits(2);
    parser.require(whole <= 60);
    seconds += whole;
    if (parser.take(".,")) seconds += parser.fraction();
  }
  return seconds;
}

double seconds_of_zone(DateParser& parser) {
  if (parser.take("Zz")) return 0;
  const bool west = parser.starts_with('-');
  parser.require(parser.take("+-"));
  double seconds = 3600.0 * parser.digits(2);
  parser.take(":");
  if (!parser.is_at_end()) seconds += 60.0 * parser.digits(2);
  return west ? -seconds : seconds;
}

}  // namespace

std::optional<double> time_value(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto text = value.get<std::string>();
  DateParser parser(text);
  double seconds = seconds_of_date(parser);
  if (!parser.is_at_end()) {
    parser.require(parser.take("Tt "));
    seconds += seconds_of_clock(parser);
    parser.take(" ");
    if (!parser.is_at_end()) seconds -= seconds_of_zone(parser);
  }
  return parser.is_valid() && parser.is_at_end() ? std::optional(seconds) : std::nullopt;
}

}  // namespace tunewright::corpus

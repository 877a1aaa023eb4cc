#include "tunewright/observe/price.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::observe {
namespace {

constexpr double kDay = 24 * 60;

double time_of_day(double minutes) {
  const double rest = std::fmod(minutes, kDay);
  return rest < 0 ? rest + kDay : rest;
}

bool holds(const DailyHours& hours, double minute) {
  if (hours.begin < hours.end) return minute >= hours.begin && minute < hours.end;
  return minute >= hours.begin || minute < hours.end;  // past midnight
}

double rate(const Tariff& tariff, double minute) {
  const bool cheap = std::ranges::any_of(
      tariff.cheap_hours, [&](const DailyHours& hours) { return holds(hours, minute); });
  return cheap ? tariff.cheap_hourly : tariff.hourly;
}

std::vector<double> rate_changes(const Tariff& tariff) {
  std::vector<double> changes;
  for (const auto& [begin, end] : tariff.cheap_hours) {
    changes.push_back(begin);
    changes.push_back(end);
  }
  return changes;
}

// Minutes from `minute` to the next change of the rate; a day where there is none.
double until_change(const std::vector<double>& changes, double minute) {
  double least = kDay;
  for (const double change : changes) {
    const double wait = time_of_day(change - minute);
    if (wait > 0) least = std::min(least, wait);
  }
  return least;
}

// "22:30" in minutes.
std::optional<int> parse_time(std::string_view text) {
  const auto parts = split(trim(text), ':');
  const auto number = [](const std::string& digits) {
    const bool valid = !digits.empty() && digits.size() <= 2 &&
                       digits.find_first_not_of("0123456789") == std::string::npos;
    return valid ? std::stoi(digits) : -1;
  };
  if (parts.size() != 2) return std::nullopt;
  const int hour = number(parts[0]), minute = number(parts[1]);
  const bool midnight = hour == 24 && minute == 0;
  if (!midnight && (hour < 0 || hour > 23 || minute < 0 || minute > 59)) return std::nullopt;
  return hour * 60 + minute;
}

}  // namespace

std::vector<DailyHours> parse_daily_hours(std::string_view text, std::string_view where) {
  std::vector<DailyHours> list;
  if (trim(text).empty()) return list;
  for (const auto& part : split(text, ',')) {
    const auto ends = split(part, '-');
    const auto begin = ends.size() == 2 ? parse_time(ends[0]) : std::nullopt;
    const auto end = ends.size() == 2 ? parse_time(ends[1]) : std::nullopt;
    if (!begin || !end || *begin == *end) {
      throw UserError(str(where, ": expected hours as 22:00-06:00, got '",
                          excerpt(std::string(trim(part))), "'"));
    }
    list.push_back({.begin = *begin, .end = *end});
  }
  return list;
}

double price(const Tariff& tariff, double start, double seconds) {
  const auto changes = rate_changes(tariff);
  double minute = time_of_day(start), left = seconds / 60, sum = 0;
  while (left > 0) {
    const double part = std::min(left, until_change(changes, minute));
    sum += rate(tariff, minute) * part / 60;
    minute = time_of_day(minute + part);
    left -= part;
  }
  return sum;
}

// The price falls or rises with the start in a straight line, but where the start or the end meets
// a change of the rate: the cheapest start is at one of these.
Start cheapest_start(const Tariff& tariff, double now, double seconds) {
  std::vector<double> waits = {0};
  for (const double change : rate_changes(tariff)) {
    waits.push_back(time_of_day(change - now));
    waits.push_back(time_of_day(change - seconds / 60 - now));
  }
  std::ranges::sort(waits);
  constexpr double kNoise = 1e-9;  // of sums in another order
  Start best{.price = price(tariff, now, seconds)};
  for (const double wait : waits) {
    const double cost = price(tariff, now + wait, seconds);
    if (cost < best.price - kNoise) best = {.minutes_from_now = wait, .price = cost};
  }
  return best;
}

}  // namespace tunewright::observe

#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

// What hours of a machine cost.
namespace tunewright::observe {

// From `begin` to `end`, in minutes after midnight; end at or before begin: past midnight.
struct DailyHours {
  int begin = 0, end = 0;
};

struct Tariff {
  double hourly = 0;                    // price of an hour
  double cheap_hourly = 0;              // and of one within `cheap_hours`
  std::vector<DailyHours> cheap_hours;  // empty: one price all day
};

// "22:00-06:00", or several, comma between.  `where` opens the UserError.
std::vector<DailyHours> parse_daily_hours(std::string_view text, std::string_view where);

// Price of `seconds` from `start`, minutes after midnight.
double price(const Tariff& tariff, double start, double seconds);

struct Start {
  double minutes_from_now = 0;
  double price = 0;
};
// The cheapest start within a day, the earliest of several.
Start cheapest_start(const Tariff& tariff, double now, double seconds);

}  // namespace tunewright::observe

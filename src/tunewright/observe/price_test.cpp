#include "tunewright/observe/price.h"

#include <algorithm>

#include "tunewright/base/test.h"

namespace tunewright::observe {
namespace {

constexpr double kHour = 3600;
const Tariff kNight = {.hourly = 2.0, .cheap_hourly = 0.5, .cheap_hours = {{22 * 60, 6 * 60}}};

TEST(Price, OnePriceAllDay) {
  EXPECT_DOUBLE_EQ(price({.hourly = 1.9}, 600, 2.5 * kHour), 4.75);
  EXPECT_DOUBLE_EQ(price({.hourly = 1.9}, 600, 60 * kHour), 114);  // some days
  EXPECT_EQ(price({.hourly = 1.9}, 600, 0), 0);
}

TEST(Price, CheapHoursGoPastMidnight) {
  EXPECT_DOUBLE_EQ(price(kNight, 23 * 60, 2 * kHour), 1.0);                // all cheap
  EXPECT_DOUBLE_EQ(price(kNight, 21 * 60, 2 * kHour), 2.0 + 0.5);          // into them
  EXPECT_DOUBLE_EQ(price(kNight, 5.5 * 60, 1 * kHour), 0.25 + 1.0);        // out of them
  EXPECT_DOUBLE_EQ(price(kNight, 12 * 60, 24 * kHour), 16 * 2 + 8 * 0.5);  // a whole day
  EXPECT_DOUBLE_EQ(price(kNight, 12 * 60, 48 * kHour), 2 * (16 * 2 + 8 * 0.5));
}

TEST(Price, SeveralCheapHours) {
  const Tariff tariff = {.hourly = 1, .cheap_hourly = 0, .cheap_hours = {{60, 120}, {1380, 1440}}};
  EXPECT_DOUBLE_EQ(price(tariff, 0, 24 * kHour), 22);
}

TEST(Price, TheCheapestStartIsTheEarliestOfTheCheapest) {
  auto start = cheapest_start(kNight, 12 * 60, 3 * kHour);
  EXPECT_DOUBLE_EQ(start.minutes_from_now, 10 * 60);
  EXPECT_DOUBLE_EQ(start.price, 1.5);
  start = cheapest_start(kNight, 23 * 60, 3 * kHour);
  EXPECT_EQ(start.minutes_from_now, 0);
  // Longer than the cheap hours: all of them are used from 22:00 on.
  start = cheapest_start(kNight, 12 * 60, 10 * kHour);
  EXPECT_DOUBLE_EQ(start.minutes_from_now, 8 * 60);  // ends at 06:00: the earliest of the cheapest
  EXPECT_DOUBLE_EQ(start.price, 8 * 0.5 + 2 * 2.0);
  EXPECT_EQ(cheapest_start({.hourly = 3}, 700, kHour).minutes_from_now, 0);
}

TEST(Price, NoStartIsCheaperThanTheCheapest) {  // against a search minute by minute
  const Tariff tariff = {
      .hourly = 1.5, .cheap_hourly = 0.4, .cheap_hours = {{23 * 60, 5 * 60}, {12 * 60, 13 * 60}}};
  for (const double hours : {0.5, 3.0, 7.0, 11.0, 23.0}) {
    const auto best = cheapest_start(tariff, 15 * 60, hours * kHour);
    double least = 1e9;
    for (int wait = 0; wait < 24 * 60; ++wait)
      least = std::min(least, price(tariff, 15 * 60 + wait, hours * kHour));
    EXPECT_NEAR(best.price, least, 1e-9) << hours;
  }
}

TEST(Price, HoursAreReadAndMistakesNamed) {
  const auto hours = parse_daily_hours("22:00-06:00, 12:30-13:00", "cost.cheap_hours");
  ASSERT_EQ(hours.size(), 2U);
  EXPECT_EQ(hours[0].begin, 22 * 60);
  EXPECT_EQ(hours[0].end, 6 * 60);
  EXPECT_EQ(hours[1].begin, 12 * 60 + 30);
  EXPECT_TRUE(parse_daily_hours("", "x").empty());
  for (const auto* wrong :
       {"22-6", "22:00", "25:00-06:00", "22:60-06:00", "06:00-06:00", "a:b-c:d"})
    EXPECT_USER_ERROR(parse_daily_hours(wrong, "cost.cheap_hours"),
                      "cost.cheap_hours: expected hours as 22:00-06:00");
}

}  // namespace
}  // namespace tunewright::observe

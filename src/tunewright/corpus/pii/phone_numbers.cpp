#include "tunewright/corpus/pii/phone_numbers.h"

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumberutil.h>

#include <algorithm>
#include <set>

namespace tunewright::corpus::pii {
namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

const PhoneNumberUtil& library() {
  static const PhoneNumberUtil& instance = [&]() -> const PhoneNumberUtil& {
    auto* util = PhoneNumberUtil::GetInstance();
    util->SetLogger(new i18n::phonenumbers::NullLogger);  // the library owns it
    return *util;
  }();
  return instance;
}

}  // namespace

bool is_valid_phone_number(std::string_view number, const std::string& region) {
  PhoneNumber parsed;
  return library().Parse(std::string(number), region, &parsed) ==
             PhoneNumberUtil::NO_PARSING_ERROR &&
         library().IsValidNumber(parsed);
}

std::vector<std::string> phone_regions() {
  std::set<std::string> regions;
  library().GetSupportedRegions(&regions);
  return {regions.begin(), regions.end()};
}

bool is_phone_region(const std::string& region) {
  const auto regions = phone_regions();
  return std::ranges::find(regions, region) != regions.end();
}

}  // namespace tunewright::corpus::pii

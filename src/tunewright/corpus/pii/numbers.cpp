// Numbers that states and card companies give to people.
#include <algorithm>
#include <array>
#include <charconv>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/checksums.h"
#include "tunewright/corpus/pii/context.h"
#include "tunewright/corpus/pii/digit_groups.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

using namespace std::string_view_literals;

constexpr std::array kCardWords = {
    "credit"sv, "card"sv,   "visa"sv,    "mastercard"sv, "cc"sv,       "amex"sv,   "discover"sv,
    "jcb"sv,    "diners"sv, "maestro"sv, "debit"sv,      "unionpay"sv, "payment"sv};
constexpr std::array kSsnWords = {"social"sv, "security"sv, "ssn"sv, "ssid"sv};
constexpr std::array kItinWords = {"individual"sv, "taxpayer"sv, "itin"sv, "tax"sv,
                                   "payer"sv,      "taxid"sv,    "tin"sv};
constexpr std::array kAbaWords = {"aba"sv, "routing"sv, "abarouting"sv, "bankrouting"sv, "rtn"sv};
constexpr std::array kNpiWords = {"npi"sv, "provider"sv, "taxonomy"sv};
constexpr std::array kMbiWords = {"medicare"sv, "mbi"sv, "beneficiary"sv, "cms"sv,
                                  "medicaid"sv, "hic"sv, "hicn"sv};
constexpr std::array kMedicalWords = {"medical"sv, "certificate"sv, "dea"sv};
constexpr std::array kPassportWords = {"passport"sv, "travel"sv};
constexpr std::array kBankWords = {"check"sv, "checking"sv, "account"sv, "acct"sv,   "bank"sv,
                                   "save"sv,  "saving"sv,   "debit"sv,   "deposit"sv};
constexpr std::array kLicenseWords = {"driver"sv, "license"sv, "licence"sv,        "permit"sv,
                                      "lic"sv,    "dl"sv,      "identification"sv, "dls"sv,
                                      "cdls"sv,   "driving"sv};

constexpr double kWithoutWords = 0.3;  // below the default threshold: a context word lifts it

int number_of(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// Ranges of issuer numbers: first digits (as many as in `from`) and lengths.
struct Issuer {
  std::string_view from, to;
  size_t shortest, longest;
};
constexpr std::array<Issuer, 17> kIssuers{{
    {"4", "4", 13, 13},        // Visa
    {"4", "4", 16, 16},        // Visa
    {"4", "4", 19, 19},        // Visa
    {"51", "55", 16, 16},      // Mastercard
    {"2221", "2720", 16, 16},  // Mastercard
    {"34", "34", 15, 15},      // American Express
    {"37", "37", 15, 15},      // American Express
    {"300", "305", 14, 16},    // Diners Club
    {"36", "36", 14, 16},      // Diners Club
    {"38", "39", 14, 16},      // Diners Club
    {"6011", "6011", 16, 19},  // Discover
    {"622", "659", 16, 19},    // UnionPay, InstaPayment, Discover
    {"3528", "3589", 16, 19},  // JCB
    {"2200", "2204", 16, 16},  // Mir
    {"50", "50", 12, 19},      // Maestro, Dankort
    {"56", "69", 12, 19},      // Maestro
    {"1", "1", 15, 15},        // UATP
}};

bool is_issued(std::string_view digits) {
  return std::ranges::any_of(kIssuers, [&](const Issuer& issuer) {
    const auto first = digits.substr(0, issuer.from.size());
    return digits.size() >= issuer.shortest && digits.size() <= issuer.longest &&
           first >= issuer.from && first <= issuer.to;
  });
}

bool is_card_shape(const DigitGroups& number) {
  return number.count == 1 || number.has_shape({4, 4, 4, 4}) || number.has_shape({4, 6, 5}) ||
         number.has_shape({4, 6, 4}) || number.has_shape({4, 4, 4, 4, 3}) ||
         number.has_shape({4, 4, 5}) || number.has_shape({4, 4, 4, 3}) ||
         number.has_shape({6, 13}) || number.has_shape({4, 4, 4, 1}) ||
         number.has_shape({4, 4, 4, 2}) || number.has_shape({4, 4, 4});
}

bool is_one_digit_repeated(std::string_view digits) {
  return digits.find_first_not_of(digits[0]) == std::string_view::npos;
}

bool is_ssn(std::string_view digits) {
  constexpr std::array kSamples = {"123456789"sv, "987654320"sv, "078051120"sv, "219099999"sv};
  return !is_one_digit_repeated(digits) && digits.substr(0, 3) != "000" &&
         digits.substr(0, 3) != "666" && digits[0] != '9' && digits.substr(3, 2) != "00" &&
         digits.substr(5) != "0000" && std::ranges::find(kSamples, digits) == kSamples.end();
}

bool is_itin(std::string_view digits) {
  const int group = number_of(digits.substr(3, 2));
  return digits[0] == '9' && ((group >= 50 && group <= 65) || (group >= 70 && group <= 88) ||
                              (group >= 90 && group <= 92) || group >= 94);
}

Finding scored(const Word& word, size_t end, Entity entity, double score) {
  return {word.begin, end, entity, score};
}

// `score` where no context word stands before the number, more where one does.
template <size_t N>
Finding weighed(std::string_view text, const Word& word, size_t end, Entity entity, double score,
                const std::array<std::string_view, N>& words) {
  return scored(word, end, entity,
                has_context(text, word.begin, words) ? with_context(score) : score);
}

// A word of digits alone that is a number by itself.
bool is_bare_number(std::string_view text, const Word& word) {
  return word.classes == kDigit && is_whole_number(text, word.begin, word.end);
}

std::string_view text_of(std::string_view text, const Word& word) {
  return text.substr(word.begin, word.size());
}

// "A1234567" -> "A9999999": letters become A, digits 9.
std::string shape_of(std::string_view word) {
  std::string shape;
  for (const char c : word) shape += is_digit(c) ? '9' : is_letter(c) ? 'A' : c;
  return shape;
}

// What the licences of the states look like: letters and digits in runs, "A1D7" style.
bool is_license_shape(std::string_view word) {
  const auto shape = shape_of(word);
  const auto digits_from = [&](size_t begin) {
    const auto end = shape.find_first_not_of('9', begin);
    return (end == std::string::npos ? shape.size() : end) - begin;
  };
  const size_t letters = std::min(shape.find_first_not_of('A'), shape.size());
  const size_t digits = digits_from(letters);
  const bool all = letters + digits == shape.size();
  if (all && letters == 0) return (digits >= 6 && digits <= 14) || digits == 16;
  if (all && letters == 1) return (digits >= 3 && digits <= 14) || digits == 18;
  if (all && letters == 2) return digits >= 3 && digits <= 7;
  constexpr std::array kOthers = {"A9A9A"sv,      "A999999A"sv,   "999999999A"sv, "99999999A"sv,
                                  "9999999A"sv,   "AA999999A"sv,  "99999999AA"sv, "999AA9999"sv,
                                  "99AAA99999"sv, "99AAA999999"sv};
  return std::ranges::find(kOthers, shape) != kOthers.end();
}

}  // namespace

MaybeFinding find_card(std::string_view text, const Word& word) {
  if (word.classes != kDigit || is_word_before(text, word.begin)) return {};
  if (word.size() != 4 && word.size() != 6 && word.size() < 12) return {};
  const auto all = read_digit_groups(text, word.begin, " -");
  for (size_t groups = all.count; groups > 0; --groups) {
    const auto number = all.first(groups);
    const size_t end = number.ends[groups - 1];
    if (number.digits.size() < 12 || !is_card_shape(number) || !is_issued(number.digits) ||
        is_word_at(text, end) || is_one_digit_repeated(number.digits) ||
        !passes_luhn(number.digits))
      continue;
    // Twelve digits are an article number as often as a card.
    if (number.digits.size() == 12 && !has_context(text, word.begin, kCardWords)) continue;
    const bool is_fraction =
        word.begin >= 2 && one_of(".,", text[word.begin - 1]) && is_digit(text[word.begin - 2]);
    if (is_fraction) return {};
    return scored(word, end, Entity::kCreditCard, 1.0);
  }
  return {};
}

MaybeFinding find_ssn(std::string_view text, const Word& word) {
  if (word.classes != kDigit) return {};
  const auto number = read_digit_groups(text, word.begin, "- .");
  if (number.digits.size() != 9 || !is_ssn(number.digits)) return {};
  const size_t end = number.ends[number.count - 1];
  if (!is_whole_number(text, word.begin, end)) return {};
  if (number.has_shape({3, 2, 4})) return weighed(text, word, end, Entity::kUsSsn, 0.5, kSsnWords);
  if (number.count == 1 || number.has_shape({5, 4}) || number.has_shape({3, 6}))
    return weighed(text, word, end, Entity::kUsSsn, 0.05, kSsnWords);
  return {};
}

MaybeFinding find_itin(std::string_view text, const Word& word) {
  if (word.classes != kDigit) return {};
  const auto number = read_digit_groups(text, word.begin, "- ");
  if (number.digits.size() != 9 || !is_itin(number.digits)) return {};
  const size_t end = number.ends[number.count - 1];
  if (!is_whole_number(text, word.begin, end)) return {};
  if (number.has_shape({3, 2, 4}))
    return weighed(text, word, end, Entity::kUsItin, 0.5, kItinWords);
  if (number.count == 1) return weighed(text, word, end, Entity::kUsItin, 0.3, kItinWords);
  return weighed(text, word, end, Entity::kUsItin, 0.05, kItinWords);
}

MaybeFinding find_aba(std::string_view text, const Word& word) {
  if (word.classes != kDigit) return {};
  const auto number = read_digit_groups(text, word.begin, "-");
  const bool grouped = number.has_shape({4, 4, 1});
  if (number.digits.size() != 9 || !(grouped || number.count == 1) || !passes_aba(number.digits))
    return {};
  const size_t end = number.ends[number.count - 1];
  if (!is_whole_number(text, word.begin, end)) return {};
  return weighed(text, word, end, Entity::kAbaRoutingNumber, grouped ? 1.0 : 0.4, kAbaWords);
}

MaybeFinding find_npi(std::string_view text, const Word& word) {
  if (word.classes != kDigit || !one_of("12", text[word.begin])) return {};
  const auto number = read_digit_groups(text, word.begin, "- ");
  const bool grouped = number.has_shape({4, 3, 3});
  if (number.digits.size() != 10 || !(grouped || number.count == 1) || !passes_npi(number.digits))
    return {};
  const size_t end = number.ends[number.count - 1];
  if (!is_whole_number(text, word.begin, end)) return {};
  return weighed(text, word, end, Entity::kUsNpi, grouped ? 0.6 : 0.4, kNpiWords);
}

MaybeFinding find_mbi(std::string_view text, const Word& word) {
  std::string code;
  size_t end = word.begin;
  const bool dashed = word.size() == 4 && at(text, word.end) == '-';
  if (!dashed && word.size() != 11) return {};
  for (size_t i = 0; i < 11; ++i) {
    if (dashed && (i == 4 || i == 7) && at(text, end++) != '-') return {};
    if (end >= text.size()) return {};
    code += upper(text[end++]);
  }
  constexpr std::string_view kKinds = "9AX9AX9AA99";  // 9: digit, A: letter, X: either
  for (size_t i = 0; i < code.size(); ++i) {
    const bool letter = is_letter(code[i]) && !one_of("SLOIBZ", code[i]);
    const bool fits =
        kKinds[i] == '9' ? is_digit(code[i]) : letter || (kKinds[i] == 'X' && is_digit(code[i]));
    if (!fits) return {};
  }
  if (!stands_alone(text, word.begin, end)) return {};
  return weighed(text, word, end, Entity::kUsMbi, dashed ? 0.5 : 0.4, kMbiWords);
}

MaybeFinding find_medical_license(std::string_view text, const Word& word) {
  const auto code = text_of(text, word);
  if (code.size() != 9 || !is_letter(code[0]) || !(is_letter(code[1]) || code[1] == '9') ||
      digits_of(code.substr(2)).size() != 7 || one_of("INOQVWYZ", upper(code[0])) ||
      !passes_dea(code.substr(2)) || !stands_alone(text, word.begin, word.end))
    return {};
  return weighed(text, word, word.end, Entity::kMedicalLicense, 0.4, kMedicalWords);
}

MaybeFinding find_passport(std::string_view text, const Word& word) {
  const auto code = text_of(text, word);
  if (code.size() != 9 || digits_of(code.substr(1)).size() != 8 || code[0] == '_' ||
      !is_whole_number(text, word.begin, word.end))
    return {};
  const double score = is_digit(code[0]) ? 0.05 : 0.1;
  return weighed(text, word, word.end, Entity::kUsPassport, score, kPassportWords);
}

MaybeFinding find_bank_number(std::string_view text, const Word& word) {
  if (word.size() < 8 || word.size() > 17 || !is_bare_number(text, word)) return {};
  return weighed(text, word, word.end, Entity::kUsBankNumber, 0.05, kBankWords);
}

MaybeFinding find_driver_license(std::string_view text, const Word& word) {
  const auto code = text_of(text, word);
  if (code.size() < 4 || code.size() > 19 || (word.classes & kUnderscore) != 0 ||
      !is_license_shape(code) || !is_whole_number(text, word.begin, word.end))
    return {};
  const double score = word.classes == kDigit ? 0.01 : kWithoutWords;
  return weighed(text, word, word.end, Entity::kUsDriverLicense, score, kLicenseWords);
}

}  // namespace tunewright::corpus::pii

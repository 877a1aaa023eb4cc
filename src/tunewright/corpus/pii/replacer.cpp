#include "tunewright/corpus/pii/replacer.h"

#include <algorithm>
#include <array>

#include "tunewright/base/str.h"
#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/keyed_stream.h"

namespace tunewright::corpus::pii {
namespace {

constexpr size_t kHashDigits = 16;
constexpr int kAttempts = 64;  // at a surrogate that no check takes for real

std::string placeholder(Entity entity) { return str("<", name_of(entity), ">"); }

// What makes two spellings the same value.
std::string canonical(Entity entity, std::string_view value) {
  std::string out;
  const bool all = entity == Entity::kUrl || entity == Entity::kSecret ||
                   entity == Entity::kPerson || entity == Entity::kLocation ||
                   entity == Entity::kEmailAddress || entity == Entity::kIpAddress;
  if (entity == Entity::kSecret || entity == Entity::kCrypto || entity == Entity::kUrl)
    return std::string(value);
  for (const char c : value)
    if (all || is_alnum(c) || !is_ascii(c)) out += lower(c);
  return out;
}

std::string masked(std::string_view value, const ReplacerOptions& options) {
  const auto is_sign = [](char c) { return is_ascii(c) && !is_alnum(c); };
  auto keep = static_cast<size_t>(options.mask_keep);
  size_t kept_from = value.size();
  while (keep > 0 && kept_from > 0) {
    --kept_from;
    if (is_alnum(value[kept_from])) --keep;
  }
  std::string out;
  for (size_t i = 0; i < value.size(); ++i) {
    const bool continues = (static_cast<unsigned char>(value[i]) & 0xC0) == 0x80;
    if (i >= kept_from || is_sign(value[i])) {
      out += value[i];
    } else if (!continues) {
      out += options.mask_character;
    }
  }
  return out;
}

// A word that can be said and means nothing: "dorela".
std::string made_up_word(KeyedStream& stream, size_t syllables) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvz", kVowels = "aeiou";
  std::string word;
  for (size_t i = 0; i < syllables; ++i) {
    word += kConsonants[stream.below(kConsonants.size())];
    word += kVowels[stream.below(kVowels.size())];
  }
  return word;
}

std::string hex_digits(KeyedStream& stream, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += "0123456789abcdef"[stream.below(16)];
  return out;
}

std::string made_up_email(KeyedStream& stream) {
  constexpr std::array<std::string_view, 3> kDomains = {"example.com", "example.net",
                                                        "example.org"};
  const auto first = made_up_word(stream, 3), last = made_up_word(stream, 2);
  const auto tail = hex_digits(stream, 8);
  return str(first, ".", last, ".", tail, "@", kDomains[stream.below(kDomains.size())]);
}

std::string made_up_name(KeyedStream& stream, std::string_view value) {
  const auto words = 1 + std::ranges::count(value, ' ');
  std::string name;
  for (int64_t i = 0; i < words; ++i) {
    auto word = made_up_word(stream, 2 + stream.below(2));
    word[0] = upper(word[0]);
    if (i > 0) name += ' ';
    name += word;
  }
  return name;
}

std::string made_up_ip(KeyedStream& stream, std::string_view value) {
  if (value.find(':') != std::string_view::npos) {
    std::string address = "2001:db8";
    for (int i = 0; i < 6; ++i) (address += ':') += hex_digits(stream, 4);
    return address;
  }
  const auto a = 18 + stream.below(2), b = stream.below(256), c = stream.below(256);
  return str("198.", a, ".", b, ".", c);
}

// The same letters' and digits' places, other letters and digits; the first `keep` stay.
std::string same_form(KeyedStream& stream, std::string_view value, size_t keep) {
  std::string out;
  for (const char c : value) {
    if (!is_alnum(c) || keep > 0) {
      out += c;
      keep -= is_alnum(c) ? 1 : 0;
    } else if (is_digit(c)) {
      out += static_cast<char>('0' + stream.below(10));
    } else {
      out += static_cast<char>((is_upper(c) ? 'A' : 'a') + stream.below(26));
    }
  }
  return out;
}

// `value` with another separator; '\0': none.
std::string separated(std::string_view value, char separator) {
  std::string out;
  for (const char c : value) {
    if (is_alnum(c)) {
      out += c;
    } else if (separator != '\0') {
      out += separator;
    }
  }
  return out;
}

// No check finds anything in it, however its groups are separated: that should not decide on the
// surrogate.  Without separators another entity may be seen in it, as in any number.
bool is_harmless(const Detector& detector, Entity entity, std::string_view surrogate) {
  const auto is_same = [&](const Finding& finding) { return finding.entity == entity; };
  return std::ranges::none_of(detector.find(separated(surrogate, '\0'), 0.0), is_same) &&
         detector.find(separated(surrogate, ' '), 0.0).empty() &&
         detector.find(separated(surrogate, '-'), 0.0).empty() &&
         detector.find(surrogate, 0.0).empty();
}

// "aa:bb:…" with the first three bytes 02:00:00, which no maker has.
std::string made_up_mac(KeyedStream& stream, std::string_view value) {
  constexpr std::string_view kPrefix = "020000";
  const auto digits = hex_digits(stream, 6);
  const bool capitals = std::ranges::any_of(value, is_upper);
  std::string out;
  size_t i = 0;
  for (const char c : value) {
    const char digit = i < 6 ? kPrefix[std::min<size_t>(i, 5)] : digits[std::min<size_t>(i - 6, 5)];
    out += !is_hex(c) ? c : capitals ? upper(digit) : digit;
    i += is_hex(c) ? 1 : 0;
  }
  return out;
}

}  // namespace

Replacer::Replacer(ReplacerOptions options, const Detector& detector)
    : options_(std::move(options)), detector_(detector) {}

bool Replacer::is_surrogate(Entity entity, std::string_view value) const {
  if (options_.action != Action::kPseudonym) return false;
  const auto digits = canonical(Entity::kMacAddress, value);
  switch (entity) {
    case Entity::kEmailAddress:
      return value.ends_with("@example.com") || value.ends_with("@example.net") ||
             value.ends_with("@example.org");
    case Entity::kIpAddress:
      return value.starts_with("198.18.") || value.starts_with("198.19.") ||
             to_lower(value.substr(0, 9)) == "2001:db8:";
    case Entity::kMacAddress:
      return digits.starts_with("020000");
    case Entity::kUrl:
      return value.starts_with("https://example.com/");
    default:
      return false;
  }
}

std::string Replacer::pseudonym(Entity entity, std::string_view value) const {
  KeyedStream stream(options_.key, str(name_of(entity), '\n', canonical(entity, value)));
  switch (entity) {
    case Entity::kEmailAddress:
      return made_up_email(stream);
    case Entity::kIpAddress:
      return made_up_ip(stream, value);
    case Entity::kMacAddress:
      return made_up_mac(stream, value);
    case Entity::kUrl:
      return str("https://example.com/", hex_digits(stream, 8));
    case Entity::kPerson:
    case Entity::kLocation:
      return made_up_name(stream, value);
    case Entity::kSecret:
    case Entity::kDateTime:
      break;
    default: {
      // A country or a card company may stay; the rest is drawn until no check takes it for real.
      const size_t keep = entity == Entity::kIbanCode ? 2 : entity == Entity::kCrypto ? 1 : 0;
      for (int i = 0; i < kAttempts; ++i) {
        auto surrogate = same_form(stream, value, keep);
        if (surrogate != value && is_harmless(detector_, entity, surrogate)) return surrogate;
      }
    }
  }
  const auto digits =
      hmac_sha256(options_.key, str(name_of(entity), '\n', canonical(entity, value)));
  return str("<", name_of(entity), ":", digits.substr(0, kHashDigits), ">");
}

std::string Replacer::operator()(Entity entity, std::string_view value) const {
  switch (options_.action) {
    case Action::kReplace:
      return placeholder(entity);
    case Action::kMask:
      return masked(value, options_);
    case Action::kHash: {
      const auto digits =
          hmac_sha256(options_.key, str(name_of(entity), '\n', canonical(entity, value)));
      return str("<", name_of(entity), ":", digits.substr(0, kHashDigits), ">");
    }
    case Action::kPseudonym:
      return pseudonym(entity, value);
    case Action::kAnnotate:
      break;
  }
  return std::string(value);
}

}  // namespace tunewright::corpus::pii

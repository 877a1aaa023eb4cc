// Keys, tokens and passwords.
#include <algorithm>
#include <array>
#include <cmath>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

enum class Alphabet : uint8_t { kAlnum, kUpperAlnum, kHex, kWord, kToken };  // token: word and '-'

bool is_in(Alphabet alphabet, char c) {
  switch (alphabet) {
    case Alphabet::kAlnum:
      return is_alnum(c);
    case Alphabet::kUpperAlnum:
      return is_digit(c) || is_upper(c);
    case Alphabet::kHex:
      return is_hex(c);
    case Alphabet::kWord:
      return (class_of(c) & kWord) != 0;
    case Alphabet::kToken:
      return (class_of(c) & kWord) != 0 || c == '-';
  }
  return false;
}

// How a vendor's keys look, as its documentation publishes it.
struct Vendor {
  std::string_view prefix;
  Alphabet alphabet;
  size_t shortest, longest;  // of what follows the prefix
};
constexpr size_t kAny = 400;
constexpr Vendor kVendors[] = {
    {"AKIA", Alphabet::kUpperAlnum, 16, 16},  // AWS access keys
    {"ASIA", Alphabet::kUpperAlnum, 16, 16},
    {"ABIA", Alphabet::kUpperAlnum, 16, 16},
    {"ACCA", Alphabet::kUpperAlnum, 16, 16},
    {"AGE-SECRET-KEY-1", Alphabet::kUpperAlnum, 58, 58},
    {"AIza", Alphabet::kToken, 35, 35},              // Google API
    {"GOCSPX-", Alphabet::kToken, 28, 28},           // Google OAuth
    {"NRAK-", Alphabet::kUpperAlnum, 27, 27},        // New Relic
    {"PMAK-", Alphabet::kToken, 50, 64},             // Postman
    {"EAACEdEose0cBA", Alphabet::kAlnum, 10, kAny},  // Facebook
    {"SK", Alphabet::kHex, 32, 32},                  // Twilio
    {"dckr_pat_", Alphabet::kToken, 27, 27},         // Docker Hub
    {"dop_v1_", Alphabet::kHex, 64, 64},             // DigitalOcean
    {"doo_v1_", Alphabet::kHex, 64, 64},
    {"dp.pt.", Alphabet::kAlnum, 40, 44},  // Doppler
    {"figd_", Alphabet::kToken, 40, 40},   // Figma
    {"ghp_", Alphabet::kAlnum, 36, 255},   // GitHub
    {"gho_", Alphabet::kAlnum, 36, 255},
    {"ghu_", Alphabet::kAlnum, 36, 255},
    {"ghs_", Alphabet::kAlnum, 36, 255},
    {"ghr_", Alphabet::kAlnum, 36, 255},
    {"github_pat_", Alphabet::kWord, 40, 255},
    {"glpat-", Alphabet::kToken, 20, 64},  // GitLab
    {"glrt-", Alphabet::kToken, 20, 64},
    {"gsk_", Alphabet::kAlnum, 48, 56},      // Groq
    {"hf_", Alphabet::kAlnum, 30, 40},       // Hugging Face
    {"hvs.", Alphabet::kToken, 24, kAny},    // Vault
    {"key-", Alphabet::kHex, 32, 32},        // Mailgun
    {"lin_api_", Alphabet::kAlnum, 40, 40},  // Linear
    {"npm_", Alphabet::kAlnum, 36, 36},
    {"nvapi-", Alphabet::kToken, 60, 70},
    {"pypi-AgE", Alphabet::kToken, 50, kAny},
    {"r8_", Alphabet::kAlnum, 37, 37},        // Replicate
    {"rk_live_", Alphabet::kAlnum, 16, 128},  // Stripe
    {"rk_test_", Alphabet::kAlnum, 16, 128},
    {"sk_live_", Alphabet::kAlnum, 16, 128},
    {"sk_test_", Alphabet::kAlnum, 16, 128},
    {"shpat_", Alphabet::kHex, 32, 32},  // Shopify
    {"shpca_", Alphabet::kHex, 32, 32},
    {"shppa_", Alphabet::kHex, 32, 32},
    {"shpss_", Alphabet::kHex, 32, 32},
    {"sk-", Alphabet::kToken, 32, 220},     // OpenAI, Anthropic
    {"sq0atp-", Alphabet::kToken, 22, 22},  // Square
    {"sq0csp-", Alphabet::kToken, 43, 43},
    {"whsec_", Alphabet::kAlnum, 24, 64},  // Stripe web hooks
    {"xapp-", Alphabet::kToken, 24, 150},  // Slack
    {"xoxa-", Alphabet::kToken, 10, 150},
    {"xoxb-", Alphabet::kToken, 10, 150},
    {"xoxp-", Alphabet::kToken, 10, 150},
    {"xoxr-", Alphabet::kToken, 10, 150},
    {"xoxs-", Alphabet::kToken, 10, 150},
    {"ya29.", Alphabet::kToken, 20, kAny},  // Google OAuth
};

// A key is made by chance: it has digits, and is not the "xxxx…" of a manual.
bool looks_random(std::string_view value) {
  const bool has_digit = std::ranges::any_of(value, is_digit);
  std::array<int, 256> counts{};
  for (const char c : value) ++counts[static_cast<unsigned char>(c)];
  const auto kinds = std::ranges::count_if(counts, [](int n) { return n > 0; });
  return has_digit && kinds >= 6;
}

// Bits a letter, over the letters of `value` itself.
double entropy_bits(std::string_view value) {
  std::array<int, 256> counts{};
  for (const char c : value) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int n : counts) {
    if (n == 0) continue;
    const double share = n / static_cast<double>(value.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

size_t run_end(std::string_view text, size_t begin, Alphabet alphabet, size_t longest) {
  size_t end = begin;
  while (end < text.size() && end - begin <= longest && is_in(alphabet, text[end])) ++end;
  return end;
}

Finding secret(size_t begin, size_t end, double score) {
  return {begin, end, Entity::kSecret, score};
}

// header.payload.signature in base64url, the first two of them JSON objects.
MaybeFinding find_jwt(std::string_view text, size_t begin) {
  size_t end = begin;
  for (int part = 0; part < 3; ++part) {
    if (part > 0 && at(text, end++) != '.') return {};
    if (part < 2 && text.substr(end, 2) != "ey") return {};
    const size_t first = end;
    while (end < text.size() && is_in(Alphabet::kToken, text[end])) ++end;
    if (end - first < 10) return {};
  }
  return secret(begin, end, 1.0);
}

// "123456789:AA…", Telegram's bot tokens.
MaybeFinding find_bot_token(std::string_view text, const Word& word) {
  if (word.classes != kDigit || word.size() < 8 || word.size() > 10 || at(text, word.end) != ':')
    return {};
  const size_t end = run_end(text, word.end + 1, Alphabet::kToken, 35);
  if (end - word.end - 1 != 35 || text.substr(word.end + 1, 2) != "AA") return {};
  return secret(word.begin, end, 0.9);
}

// "SG.xxx.yyy", SendGrid's.
MaybeFinding find_sendgrid(std::string_view text, const Word& word) {
  if (text.substr(word.begin, 3) != "SG.") return {};
  const size_t dot = run_end(text, word.begin + 3, Alphabet::kToken, 22);
  if (dot - word.begin - 3 != 22 || at(text, dot) != '.') return {};
  const size_t end = run_end(text, dot + 1, Alphabet::kToken, 43);
  return end - dot - 1 == 43 ? secret(word.begin, end, 1.0) : MaybeFinding{};
}

constexpr std::array<std::string_view, 4> kPasswordNames = {"password", "passwd", "pwd",
                                                            "passphrase"};
constexpr std::array<std::string_view, 12> kKeyNames = {
    "secret", "token",   "apikey", "api_key",    "access_key",    "accesskey",
    "auth",   "api-key", "key",    "secret_key", "client_secret", "credential"};

// The name before an assignment: letters, digits, '_' and '-', in lower case.
std::string name_before(std::string_view text, size_t end) {
  while (end > 0 && one_of(" \t\"'", text[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && end - begin < 40 && is_in(Alphabet::kToken, text[begin - 1])) --begin;
  std::string name(text.substr(begin, end - begin));
  std::ranges::transform(name, name.begin(), lower);
  return name;
}

template <size_t N>
bool ends_with_any(std::string_view name, const std::array<std::string_view, N>& endings) {
  return std::ranges::any_of(endings, [&](auto ending) { return name.ends_with(ending); });
}

bool is_value_sign(char c) {
  return static_cast<unsigned char>(c) > ' ' && is_ascii(c) && !one_of("\"'`<>()[]{},;", c);
}

// Values that only stand for one: ${PASSWORD}, os.environ…, example, changeme, password.
bool is_placeholder(std::string_view value) {
  std::string word(value);
  std::ranges::transform(word, word.begin(), lower);
  constexpr std::array<std::string_view, 8> kParts = {"example", "changeme", "placeholder", "your_",
                                                      "your-",   "environ",  "xxxx",        "****"};
  return value[0] == '$' || value[0] == '%' || word == "pass" ||
         std::ranges::find(kPasswordNames, word) != kPasswordNames.end() ||
         std::ranges::any_of(kParts, [&](auto part) { return word.find(part) != word.npos; });
}

// A password mixes kinds of letters; a name or a word of prose does not.
bool looks_like_password(std::string_view value) {
  const bool digit = std::ranges::any_of(value, is_digit);
  const bool letter = std::ranges::any_of(value, is_letter);
  return value.size() >= 6 && digit && letter;
}

bool looks_like_key(std::string_view value) {
  constexpr double kLeastBits = 3.0;  // hexadecimal digits have 4 at most, base64 6, words about 3
  const auto is_key_sign = [](char c) { return is_alnum(c) || one_of("+/=_-.~", c); };
  return value.size() >= 16 && looks_like_password(value) &&
         std::ranges::all_of(value, is_key_sign) && entropy_bits(value) >= kLeastBits;
}

}  // namespace

MaybeFinding find_key_block(std::string_view text, const Word& word) {
  constexpr std::string_view kDashes = "-----";
  if (word.begin < kDashes.size() || text.substr(word.begin, 6) != "BEGIN " ||
      text.substr(word.begin - kDashes.size(), kDashes.size()) != kDashes)
    return {};
  const auto line = text.substr(word.begin + 6, 64);
  const auto label = line.substr(0, line.find(kDashes));
  if (label.size() == line.size() || label.find("PRIVATE KEY") == label.npos) return {};
  const auto begin = word.begin - kDashes.size();
  const std::string last = std::string("-----END ") + std::string(label) + "-----";
  const auto end = text.find(last, word.end);
  // A block that is cut off is a key still.
  return secret(begin, end == std::string_view::npos ? text.size() : end + last.size(), 1.0);
}

MaybeFinding find_vendor_secret(std::string_view text, const Word& word) {
  if (is_word_before(text, word.begin) || (word.begin > 0 && text[word.begin - 1] == '-'))
    return {};  // inside of a token
  const char first = text[word.begin];
  if (first == 'e' && text.substr(word.begin, 3) == "eyJ") return find_jwt(text, word.begin);
  if (is_digit(first)) return find_bot_token(text, word);
  if (auto found = find_sendgrid(text, word)) return found;
  for (const auto& vendor : kVendors) {
    if (first != vendor.prefix[0] || text.substr(word.begin, vendor.prefix.size()) != vendor.prefix)
      continue;
    const size_t begin = word.begin + vendor.prefix.size();
    const size_t end = run_end(text, begin, vendor.alphabet, vendor.longest);
    if (end - begin < vendor.shortest || end - begin > vendor.longest || is_word_at(text, end) ||
        !looks_random(text.substr(begin, end - begin)))
      continue;
    return secret(word.begin, end, 1.0);
  }
  return {};
}

MaybeFinding find_assigned_secret(std::string_view text, size_t operator_at) {
  size_t name_end = operator_at;
  if (name_end > 0 && text[name_end - 1] == ':') --name_end;  // :=
  const auto name = name_before(text, name_end);
  const bool password = ends_with_any(name, kPasswordNames);
  if (!password && !ends_with_any(name, kKeyNames)) return {};
  size_t begin = operator_at + 1;
  if (at(text, begin) == '>' || at(text, begin) == '=') ++begin;  // =>, ==
  for (int i = 0; i < 4 && one_of(" \t", at(text, begin)); ++i) ++begin;
  const bool quoted = one_of("\"'`", at(text, begin)) && begin < text.size();
  if (quoted) ++begin;
  size_t end = begin;
  while (end < text.size() && end - begin < 256 && is_value_sign(text[end])) ++end;
  if (!quoted)
    while (end > begin && one_of(".:!?", text[end - 1])) --end;
  const auto value = text.substr(begin, end - begin);
  if (value.empty() || one_of("([", at(text, end)) || is_placeholder(value)) return {};
  if (looks_like_key(value)) return secret(begin, end, 0.8);
  return password && looks_like_password(value) ? secret(begin, end, 0.6) : MaybeFinding{};
}

MaybeFinding find_bearer(std::string_view text, const Word& word) {
  const auto scheme = text.substr(word.begin, word.size());
  if ((scheme != "Bearer" && scheme != "Basic") || at(text, word.end) != ' ') return {};
  const size_t begin = word.end + 1;
  size_t end = begin;
  while (end < text.size() && end - begin < 2048 &&
         (is_alnum(text[end]) || one_of("+/=_-.~", text[end])))
    ++end;
  return looks_like_key(text.substr(begin, end - begin)) ? secret(begin, end, 0.8) : MaybeFinding{};
}

MaybeFinding find_url_password(std::string_view text, size_t scheme_end) {
  const size_t begin = scheme_end + 3;
  constexpr size_t kMost = 256;
  size_t colon = 0, at_sign = 0;
  for (size_t i = begin; i < text.size() && i - begin < kMost; ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) <= ' ' || one_of("/?#\"'<>", c)) break;
    if (c == ':' && colon == 0) colon = i;
    if (c == '@') at_sign = i;
  }
  if (colon == 0 || at_sign <= colon + 1 ||
      is_placeholder(text.substr(colon + 1, at_sign - colon - 1)))
    return {};
  return secret(colon + 1, at_sign, 0.8);
}

}  // namespace tunewright::corpus::pii

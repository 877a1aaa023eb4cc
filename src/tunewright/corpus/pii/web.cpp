// E-mail addresses and URLs.
#include <algorithm>
#include <array>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/domains.h"
#include "tunewright/corpus/pii/matchers.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus::pii {
namespace {

constexpr size_t kMaxLocalBytes = 128;  // RFC 5321 says 64; bounce addresses are longer
constexpr size_t kMaxHostBytes = 253;
constexpr char32_t kAfterCyrillic =
    0x530;  // scripts from here on are written without spaces, or rare

// Letters of RFC 5322's atoms that are no letters, digits or '_'.
bool is_atom_sign(char c) { return one_of("!#$%&'*+-/=?^`{|}~.", c); }

// The end of a host name from `begin` on; `wide`: letters of any script are part of it.
size_t host_end(std::string_view text, size_t begin, bool wide) {
  size_t end = begin;
  while (end < text.size() && end - begin < kMaxHostBytes) {
    if (is_ascii(text[end])) {
      if (!is_alnum(text[end]) && text[end] != '-' && text[end] != '.') break;
      if (text[end] == '.' && at(text, end + 1) == '.') break;
      ++end;
      continue;
    }
    const auto c = text::code_point_at(text, end);
    if (!text::is_word(c.value) || (!wide && c.value >= kAfterCyrillic)) break;
    end += c.size;
  }
  while (end > begin && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  return end;
}

// The longest beginning of [begin, end) that is a domain: a sentence may go on right behind it.
size_t domain_end(std::string_view text, size_t begin, size_t end, DomainKind& kind) {
  for (int dropped = 0; dropped < 3; ++dropped) {
    const auto host = text.substr(begin, end - begin);
    kind = domain_kind(host);
    if (kind != DomainKind::kUnknown) return end;
    const auto dot = host.rfind('.');
    if (dot == std::string_view::npos) break;
    end = begin + dot;
  }
  return begin;
}

// How far the local part may reach to the left of the '@'.
size_t local_reach(std::string_view text, size_t at_sign) {
  const bool wide = !is_ascii(text[at_sign - 1]) &&
                    text::code_point_before(text, at_sign).value >= kAfterCyrillic;
  size_t begin = at_sign;
  while (begin > 0 && at_sign - begin < kMaxLocalBytes) {
    const char c = text[begin - 1];
    if (is_ascii(c)) {
      if ((class_of(c) & kWord) == 0 && !is_atom_sign(c)) break;
      if (c == '.' && text[begin] == '.') break;
      --begin;
      continue;
    }
    const auto point = text::code_point_before(text, begin);
    if (!text::is_word(point.value) || (!wide && point.value >= kAfterCyrillic)) break;
    begin -= point.size;
  }
  return begin;
}

// "key=jane@x.org" is an assignment, "bounce+jane=y.org@x.org" an address.
bool is_assignment(std::string_view text, size_t equals, size_t at_sign) {
  return domain_kind(text.substr(equals + 1, at_sign - equals - 1)) != DomainKind::kPublic;
}

size_t local_begin(std::string_view text, size_t at_sign) {
  size_t begin = local_reach(text, at_sign);
  for (size_t i = begin; i < at_sign; ++i) {
    const bool cuts = one_of("/|`{}?!$*^#&%", text[i]);
    if (cuts || (text[i] == '=' && is_assignment(text, i, at_sign))) begin = i + 1;
  }
  while (begin < at_sign && is_ascii(text[begin]) && (class_of(text[begin]) & kWord) == 0) ++begin;
  return begin;
}

// "https://user:password@host": no address, see find_url_password.
bool is_user_information(std::string_view text, size_t begin) {
  const size_t least = begin > kMaxLocalBytes ? begin - kMaxLocalBytes : 0;
  while (begin > least && text[begin - 1] > ' ' && text[begin - 1] != '@') {
    if (begin >= 3 && text.substr(begin - 3, 3) == "://") return true;
    --begin;
  }
  return false;
}

bool is_git_remote(std::string_view text, size_t begin, size_t end, size_t at_sign) {
  return text.substr(begin, at_sign - begin) == "git" && at(text, end) == ':' &&
         is_alnum(at(text, end + 1));
}

constexpr std::array<std::string_view, 10> kSchemes = {"http", "https", "ftp", "ftps", "sftp",
                                                       "ws",   "wss",   "ssh", "git",  "file"};

// What follows a host: port, path, query and fragment, without the sentence's own punctuation.
size_t url_end(std::string_view text, size_t end) {
  if (at(text, end) == ':' && is_digit(at(text, end + 1))) {
    ++end;
    while (is_digit(at(text, end))) ++end;
  }
  if (!one_of("/?#", at(text, end)) || end >= text.size()) return end;
  int open = 0;
  for (; end < text.size(); ++end) {
    const char c = text[end];
    if (static_cast<unsigned char>(c) <= ' ' || one_of("<>\"'`", c)) break;
    if (c == '(') ++open;
    if (c == ')' && --open < 0) break;
  }
  while (one_of(".,;:!?]}", text[end - 1])) --end;
  return end;
}

bool is_ip_or_local_host(std::string_view host) {
  return host == "localhost" ||
         std::ranges::all_of(host, [](char c) { return is_digit(c) || c == '.'; });
}

// Ends of file names and English words that are country domains too ("main.rs", "said.So").
constexpr std::array<std::string_view, 36> kAlsoWords = {
    "py", "md", "rs", "sh", "pl", "so",  "cc",  "ps", "ml", "mk", "ms", "st",
    "la", "in", "is", "it", "am", "at",  "be",  "do", "me", "my", "no", "to",
    "us", "as", "by", "an", "id", "zip", "mov", "vi", "tf", "gd", "tk", "ai"};

}  // namespace

MaybeFinding find_email(std::string_view text, size_t at_sign) {
  if (at_sign == 0 || at_sign + 1 >= text.size()) return {};
  DomainKind kind = DomainKind::kUnknown;
  const size_t domain = at_sign + 1;
  size_t end = domain_end(text, domain, host_end(text, domain, false), kind);
  if (end == domain) end = domain_end(text, domain, host_end(text, domain, true), kind);
  if (end == domain) return {};
  const size_t begin = local_begin(text, at_sign);
  if (begin == at_sign || text[at_sign - 1] == '.' || is_user_information(text, begin) ||
      is_git_remote(text, begin, end, at_sign))
    return {};
  return Finding{begin, end, Entity::kEmailAddress, kind == DomainKind::kPublic ? 1.0 : 0.5};
}

MaybeFinding find_url(std::string_view text, size_t scheme_end) {
  size_t begin = scheme_end;
  while (begin > 0 && scheme_end - begin < 6 && is_letter(text[begin - 1])) --begin;
  std::string scheme(text.substr(begin, scheme_end - begin));
  std::ranges::transform(scheme, scheme.begin(), lower);
  if (std::ranges::find(kSchemes, scheme) == kSchemes.end() || is_word_before(text, begin))
    return {};
  size_t host = scheme_end + 3;
  const auto authority = text.substr(host, text.find_first_of(" \t\r\n/?#<>\"'", host) - host);
  if (const auto user = authority.rfind('@'); user != std::string_view::npos) host += user + 1;
  const size_t end = host_end(text, host, true);
  const auto name = text.substr(host, end - host);
  if (name.empty() && scheme != "file") return {};
  if (scheme != "file" && !is_ip_or_local_host(name) && domain_kind(name) == DomainKind::kUnknown)
    return {};
  return Finding{begin, url_end(text, end), Entity::kUrl, 0.6};
}

MaybeFinding find_bare_url(std::string_view text, const Word& word) {
  const size_t begin = word.begin;
  if (at(text, word.end) != '.' && at(text, word.end) != '-') return {};
  if (begin > 0 && (is_word_before(text, begin) || one_of("@.-/:\\", text[begin - 1]))) return {};
  const size_t end = host_end(text, begin, false);
  const auto host = text.substr(begin, end - begin);
  if (host.find('.') == std::string_view::npos || at(text, end) == '@' || is_word_at(text, end) ||
      domain_kind(host) != DomainKind::kPublic)
    return {};
  const auto top = host.substr(host.rfind('.') + 1);
  const bool sure = host.starts_with("www.") || at(text, end) == '/';
  if (!sure && (is_upper(top[0]) || std::ranges::find(kAlsoWords, top) != kAlsoWords.end()))
    return {};
  return Finding{begin, url_end(text, end), Entity::kUrl, 0.5};
}

}  // namespace tunewright::corpus::pii

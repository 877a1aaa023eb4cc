#include "tunewright/corpus/pii/domains.h"

#include <libpsl.h>

#include <algorithm>
#include <array>
#include <string>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/text/unicode.h"

namespace tunewright::corpus::pii {
namespace {

// RFC 2606, RFC 6762, RFC 8375, ICANN's `internal`, and what local networks use anyway.
constexpr std::array<std::string_view, 12> kSpecialUse = {
    "local", "internal", "intranet", "lan",  "corp",      "home",
    "test",  "example",  "invalid",  "arpa", "localhost", "localdomain"};

std::string lower_case(std::string_view host) {
  std::string out;
  for (size_t i = 0; i < host.size();) {
    const auto c = text::code_point_at(host, i);
    text::append_lowercase(out, c.value);
    i += c.size;
  }
  return out;
}

bool is_suffix(const std::string& name) {
  return psl_is_public_suffix2(psl_builtin(), name.c_str(),
                               PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE) == 1;
}

}  // namespace

DomainKind domain_kind(std::string_view host) {
  const auto name = lower_case(host);
  const auto dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return DomainKind::kUnknown;
  const auto top = name.substr(dot + 1);
  if (std::ranges::find(kSpecialUse, top) != kSpecialUse.end()) return DomainKind::kSpecialUse;
  return is_suffix(top) && !is_suffix(name) ? DomainKind::kPublic : DomainKind::kUnknown;
}

}  // namespace tunewright::corpus::pii

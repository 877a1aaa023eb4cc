#pragma once
#include <string_view>

namespace tunewright::corpus::pii {

// What the public suffix list (its ICANN part, as libpsl has it built in) says of a host name.
enum class DomainKind {
  kUnknown,     // not below a public suffix
  kSpecialUse,  // below a name that never resolves in public: local, internal, test, …
  kPublic,      // registrable
};
DomainKind domain_kind(std::string_view host);  // in any case; UTF-8 or punycode

}  // namespace tunewright::corpus::pii

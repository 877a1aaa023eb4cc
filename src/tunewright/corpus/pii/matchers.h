#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/corpus/pii/entity.h"

// What the scan calls where it sees a trigger: each looks at one place of the text, a bounded
// distance around it, and validates what it finds there.  Scores are before the threshold.
namespace tunewright::corpus::pii {

// A run of ASCII letters, digits and '_', with the union of its classes (characters.h).
struct Word {
  size_t begin = 0, end = 0;
  uint8_t classes = 0;
  size_t size() const { return end - begin; }
};

using MaybeFinding = std::optional<Finding>;

// web.cpp
MaybeFinding find_email(std::string_view text, size_t at_sign);
MaybeFinding find_url(std::string_view text, size_t scheme_end);  // where "://" begins
MaybeFinding find_bare_url(std::string_view text, const Word& word);

// network.cpp
MaybeFinding find_ipv4(std::string_view text, const Word& word);
MaybeFinding find_ipv6(std::string_view text, size_t begin);
MaybeFinding find_mac(std::string_view text, const Word& word);

// numbers.cpp, bank.cpp: `word` begins with a digit, or holds one.
MaybeFinding find_card(std::string_view text, const Word& word);
MaybeFinding find_ssn(std::string_view text, const Word& word);
MaybeFinding find_itin(std::string_view text, const Word& word);
MaybeFinding find_aba(std::string_view text, const Word& word);
MaybeFinding find_npi(std::string_view text, const Word& word);
MaybeFinding find_mbi(std::string_view text, const Word& word);
MaybeFinding find_medical_license(std::string_view text, const Word& word);
MaybeFinding find_passport(std::string_view text, const Word& word);
MaybeFinding find_bank_number(std::string_view text, const Word& word);
MaybeFinding find_driver_license(std::string_view text, const Word& word);
MaybeFinding find_iban(std::string_view text, const Word& word);

// crypto.cpp: an address (CRYPTO), or a private key in base58 (SECRET).
MaybeFinding find_crypto(std::string_view text, const Word& word);

// dates.cpp
MaybeFinding find_date(std::string_view text, const Word& word);

// secrets.cpp
MaybeFinding find_key_block(std::string_view text, const Word& word);          // -----BEGIN …
MaybeFinding find_vendor_secret(std::string_view text, const Word& word);      // ghp_…, AKIA…, JWTs
MaybeFinding find_assigned_secret(std::string_view text, size_t operator_at);  // api_key = "…"
MaybeFinding find_bearer(std::string_view text, const Word& word);
MaybeFinding find_url_password(std::string_view text, size_t scheme_end);

// phone.cpp: `begin` is the first digit, or a '+' or '(' right before it.
MaybeFinding find_phone(std::string_view text, size_t begin,
                        const std::vector<std::string>& regions);
// An unknown region is a UserError.
void check_phone_regions(const std::vector<std::string>& regions);

}  // namespace tunewright::corpus::pii

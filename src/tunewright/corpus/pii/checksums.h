#pragma once
#include <string>
#include <string_view>

// Check digits and check hashes of numbers.  Arguments hold digits (or the alphabet named) only.
namespace tunewright::corpus::pii {

bool passes_luhn(std::string_view digits);
bool passes_aba(std::string_view nine_digits);  // weights 3 7 1; the first two digits are in use
bool passes_npi(std::string_view ten_digits);   // Luhn behind the prefix 80840
bool passes_dea(std::string_view seven_digits);
// ISO 7064 mod 97-10, digits and letters; country and check digits first, as an IBAN is written.
bool passes_mod97(std::string_view iban);
// Base58 with a 4-byte double SHA-256 behind a payload of 21 bytes (addresses), 33, 34 (private
// keys in wallet import format) or 78 (extended keys); the payload, empty where it fails.
std::string base58check_payload(std::string_view word);
// Bech32 (BIP 173) or bech32m (BIP 350).
bool passes_bech32(std::string_view word);

}  // namespace tunewright::corpus::pii

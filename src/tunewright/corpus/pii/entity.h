#pragma once
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tunewright::corpus::pii {

// What can be found, by the names that presidio uses where it knows them.  In ties the one that
// stands first here wins.
enum class Entity : uint8_t {
  kEmailAddress,
  kPhoneNumber,
  kCreditCard,
  kIbanCode,
  kUsSsn,
  kIpAddress,
  kMacAddress,
  kCrypto,
  kSecret,
  kUsItin,
  kUsMbi,
  kUsNpi,
  kAbaRoutingNumber,
  kMedicalLicense,
  kUsPassport,
  kUsBankNumber,
  kUsDriverLicense,
  kUrl,
  kDateTime,
  kPerson,
  kLocation,
};
inline constexpr size_t kEntityCount = 21;
inline constexpr size_t index_of(Entity entity) { return static_cast<size_t>(entity); }

struct EntityInfo {
  const char* name;
  bool by_default;
};
inline constexpr std::array<EntityInfo, kEntityCount> kEntities{{
    {"EMAIL_ADDRESS", true},
    {"PHONE_NUMBER", true},
    {"CREDIT_CARD", true},
    {"IBAN_CODE", true},
    {"US_SSN", true},
    {"IP_ADDRESS", true},
    {"MAC_ADDRESS", true},
    {"CRYPTO", true},
    {"SECRET", true},
    {"US_ITIN", false},
    {"US_MBI", false},
    {"US_NPI", false},
    {"ABA_ROUTING_NUMBER", false},
    {"MEDICAL_LICENSE", false},
    {"US_PASSPORT", false},
    {"US_BANK_NUMBER", false},
    {"US_DRIVER_LICENSE", false},
    {"URL", false},
    {"DATE_TIME", false},
    {"PERSON", false},
    {"LOCATION", false},
}};
inline constexpr const char* name_of(Entity entity) { return kEntities[index_of(entity)].name; }

using EntitySet = std::bitset<kEntityCount>;
inline bool has(const EntitySet& set, Entity entity) { return set[index_of(entity)]; }

// Names of entities; DEFAULT and ALL stand for sets of them.  An unknown name is a UserError.
EntitySet entity_set(const std::vector<std::string>& names);

// A stretch of a text, [begin, end) in bytes, at the borders of characters.
struct Finding {
  size_t begin = 0, end = 0;
  Entity entity = Entity::kEmailAddress;
  double score = 0;  // how sure, 0 .. 1; 1: a checksum or a register says so
  bool operator==(const Finding&) const = default;
};

}  // namespace tunewright::corpus::pii

#include "tunewright/corpus/pii/entity.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus::pii {

EntitySet entity_set(const std::vector<std::string>& names) {
  std::vector<std::string> known = {"DEFAULT", "ALL"};
  for (const auto& info : kEntities) known.emplace_back(info.name);
  EntitySet set;
  for (const auto& name : names) {
    bool found = name == "DEFAULT" || name == "ALL";
    for (size_t i = 0; i < kEntityCount; ++i) {
      const auto& info = kEntities[i];
      const bool meant =
          name == info.name || name == "ALL" || (name == "DEFAULT" && info.by_default);
      found |= meant;
      set[i] = set[i] || meant;
    }
    if (!found) throw UserError(str("entities: there is no '", name, "'", suggestion(name, known)));
  }
  if (set.none()) throw UserError("entities: the list is empty; name at least one, or DEFAULT");
  return set;
}

}  // namespace tunewright::corpus::pii

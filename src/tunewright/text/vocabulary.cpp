#include "tunewright/text/vocabulary.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::text {

Vocabulary::Vocabulary(Entries entries, int64_t size, std::string_view where)
    : tokens_(static_cast<size_t>(size)), known_(static_cast<size_t>(size)) {
  ids_.reserve(entries.size());
  for (auto& [token, id] : entries) {
    if (id < 0 || id >= size) {
      throw UserError(str(where, ": token '", excerpt(token), "' has id ", id, ", but the ", size,
                          " tokens need the ids 0 to ", size - 1,
                          ": an id is missing or out of range"));
    }
    auto& slot = tokens_[static_cast<size_t>(id)];
    if (known_[static_cast<size_t>(id)]) {
      throw UserError(str(where, ": tokens '", excerpt(slot), "' and '", excerpt(token),
                          "' both have id ", id));
    }
    slot = std::move(token);
    known_[static_cast<size_t>(id)] = true;
    if (!ids_.emplace(slot, static_cast<int32_t>(id)).second) {
      throw UserError(str(where, ": token '", excerpt(slot), "' stands there twice"));
    }
  }
}

std::optional<int32_t> Vocabulary::id_of(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tunewright::text

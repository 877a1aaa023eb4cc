#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tunewright::metrics {

enum class TagScheme { kIob1, kIob2, kIoe1, kIoe2, kIobes, kBilou };
inline constexpr std::array kTagSchemeNames = {
    std::pair{"IOB1", TagScheme::kIob1},   std::pair{"IOB2", TagScheme::kIob2},
    std::pair{"IOE1", TagScheme::kIoe1},   std::pair{"IOE2", TagScheme::kIoe2},
    std::pair{"IOBES", TagScheme::kIobes}, std::pair{"BILOU", TagScheme::kBilou}};
const char* name_of(TagScheme scheme);

struct Entity {
  std::string type;
  int64_t begin = 0, end = 0;  // tokens, the end is not part of it
  auto operator<=>(const Entity&) const = default;
};

// Reads entities out of tags ("B-PER", or "PER-B" with `suffix`) as seqeval 1.2 does by default,
// and conlleval before it: whatever is not told apart by its tags is one entity, in any scheme.
// Sequence by sequence; each gets positions behind those of the one before.
class LenientEntities {
 public:
  explicit LenientEntities(bool suffix) : suffix_(suffix) {}
  // An empty tag is a UserError that opens with `where`.
  std::vector<Entity> read(std::span<const std::string> tags, const std::string& where);

 private:
  void next(const std::string& prefix, const std::string& type, std::vector<Entity>& found);
  bool suffix_;
  std::string last_prefix_ = "O", last_type_;
  int64_t position_ = 0, begin_ = 0;
};

// Only entities whose every tag follows the scheme.  A tag that is none of it is a UserError that
// opens with `where`.
std::vector<Entity> strict_entities(std::span<const std::string> tags, TagScheme scheme,
                                    bool suffix, const std::string& where);

}  // namespace tunewright::metrics

#include "tunewright/metrics/entities.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/text/python_text.h"

namespace tunewright::metrics {
namespace {

struct Tag {
  std::string prefix;  // one character
  std::string type;    // "_": none
};

[[noreturn]] void fail_empty(const std::string& where) {
  throw UserError(str(where, ": a tag is empty; write O where there is no entity"));
}

// The tag's first or last character, and what is left behind or before its first or last dash.
Tag lenient_tag(const std::string& tag, bool suffix, const std::string& where) {
  if (tag.empty()) fail_empty(where);
  if (tag == "O") return {"O", "_"};
  auto points = text::python::decode(tag);
  const auto prefix = suffix ? points.back() : points.front();
  points.erase(suffix ? points.end() - 1 : points.begin());
  const auto dash = suffix ? points.rfind(U'-') : points.find(U'-');
  if (dash != std::u32string::npos)
    points = suffix ? points.substr(0, dash) : points.substr(dash + 1);
  auto type = text::python::encode(points);
  return {text::python::encode({&prefix, 1}), type.empty() ? "_" : std::move(type)};
}

Tag strict_tag(const std::string& tag, bool suffix, std::string_view allowed,
               const std::string& where) {
  if (tag.empty()) fail_empty(where);
  const char prefix = suffix ? tag.back() : tag.front();
  if (allowed.find(prefix) == std::string_view::npos) {
    throw UserError(str(where, ": tag '", excerpt(tag), "' does not ", suffix ? "end" : "begin",
                        " with one of ", allowed, "; is entity.scheme the right one?"));
  }
  const auto rest =
      suffix ? std::string_view(tag).substr(0, tag.size() - 1) : std::string_view(tag).substr(1);
  auto type = text::python::strip(rest, "-", text::python::Side::Both);
  return {std::string(1, prefix), type.empty() ? "_" : std::move(type)};
}

// When a tag after another one starts, continues or ends an entity.
enum class Types { kAny, kSame, kDifferent };
struct Pattern {
  std::string_view before, now;  // prefixes
  Types types;
};
struct Rules {
  std::string_view allowed;
  std::vector<Pattern> start, inside, end;
};

// seqeval's tables.
const Rules& rules_of(TagScheme scheme) {
  using enum Types;
  static const std::array<Rules, 6> kRules = {
      Rules{"IOB",
            {{"O", "I", kAny},
             {"I", "I", kDifferent},
             {"B", "I", kAny},
             {"I", "B", kSame},
             {"B", "B", kSame}},
            {{"BI", "I", kSame}},
            {{"I", "I", kDifferent},
             {"I", "OB", kAny},
             {"B", "O", kAny},
             {"B", "I", kDifferent},
             {"B", "B", kSame}}},
      Rules{"IOB",
            {{"IOB", "B", kAny}},
            {{"BI", "I", kSame}},
            {{"IB", "OB", kAny}, {"IB", "I", kDifferent}}},
      Rules{"IOE",
            {{"O", "I", kAny}, {"I", "I", kDifferent}, {"E", "I", kAny}, {"E", "E", kSame}},
            {{"I", "IE", kSame}},
            {{"I", "I", kDifferent}, {"I", "O", kAny}, {"I", "E", kDifferent}, {"E", "IE", kSame}}},
      Rules{"IOE",
            {{"OE", "IE", kAny}, {"I", "IE", kDifferent}},
            {{"I", "IE", kSame}},
            {{"E", "IOE", kAny}}},
      Rules{"IOBES", {{"IOBES", "BS", kAny}}, {{"BI", "IE", kSame}}, {{"SE", "IOBES", kAny}}},
      Rules{"BILOU", {{"BILOU", "BU", kAny}}, {{"BI", "IL", kSame}}, {{"UL", "BILOU", kAny}}}};
  return kRules[static_cast<size_t>(scheme)];
}

bool fits(const std::vector<Pattern>& patterns, const Tag& before, const Tag& now) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const Pattern& pattern) {
    if (pattern.before.find(before.prefix) == std::string_view::npos ||
        pattern.now.find(now.prefix) == std::string_view::npos)
      return false;
    return pattern.types == Types::kAny ||
           (pattern.types == Types::kSame) == (before.type == now.type);
  });
}

bool is_any(const std::string& prefix, std::string_view of) {
  return prefix.size() == 1 && of.find(prefix) != std::string_view::npos;
}

bool ends_between(const std::string& before, const std::string& now, bool same_type) {
  if (is_any(before, "ES")) return true;
  if (is_any(before, "BI") && is_any(now, "BSO")) return true;
  return !is_any(before, "O.") && !same_type;
}

bool starts_between(const std::string& before, const std::string& now, bool same_type) {
  if (is_any(now, "BS")) return true;
  if (is_any(before, "ESO") && is_any(now, "EI")) return true;
  return !is_any(now, "O.") && !same_type;
}

}  // namespace

const char* name_of(TagScheme scheme) { return kTagSchemeNames[static_cast<size_t>(scheme)].first; }

std::vector<Entity> LenientEntities::read(std::span<const std::string> tags,
                                          const std::string& where) {
  std::vector<Entity> found;
  for (const auto& tag : tags) {
    const auto [prefix, type] = lenient_tag(tag, suffix_, where);
    next(prefix, type, found);
  }
  next("O", "_", found);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void LenientEntities::next(const std::string& prefix, const std::string& type,
                           std::vector<Entity>& found) {
  const bool same_type = type == last_type_;
  if (ends_between(last_prefix_, prefix, same_type))
    found.push_back({last_type_, begin_, position_});
  if (starts_between(last_prefix_, prefix, same_type)) begin_ = position_;
  last_prefix_ = prefix;
  last_type_ = type;
  ++position_;
}

std::vector<Entity> strict_entities(std::span<const std::string> texts, TagScheme scheme,
                                    bool suffix, const std::string& where) {
  const auto& rules = rules_of(scheme);
  std::vector<Tag> tags;
  for (const auto& text : texts) tags.push_back(strict_tag(text, suffix, rules.allowed, where));
  tags.push_back({"O", "_"});
  std::vector<Entity> found;
  Tag before = tags.back();
  for (size_t i = 0; i < tags.size();) {
    size_t next = i + 1;
    if (fits(rules.start, before, tags[i])) {
      while (next < tags.size() && fits(rules.inside, tags[next - 1], tags[next])) ++next;
      if (next < tags.size() && fits(rules.end, tags[next - 1], tags[next]))
        found.push_back({tags[i].type, static_cast<int64_t>(i), static_cast<int64_t>(next)});
    }
    i = next;
    before = tags[i - 1];
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace tunewright::metrics

#include "tunewright/corpus/pii/scorecard.h"

#include <algorithm>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus::pii {
namespace {

struct Span {
  size_t begin = 0, end = 0;
  Entity entity{};
  auto operator<=>(const Span&) const = default;
};

std::vector<Span> spans_of(const Json& truth) {
  const auto fail = [&](const Json& got) {
    throw UserError(str("truth: expected a list of {\"entity\":…,\"start\":…,\"end\":…}, got ",
                        excerpt(dump_json(got))));
  };
  if (!truth.is_array()) fail(truth);
  std::vector<Span> spans;
  for (const auto& item : truth) {
    if (!item.is_object() || !item.contains("entity") || !item["entity"].is_string() ||
        !item.contains("start") || !item["start"].is_number_unsigned() || !item.contains("end") ||
        !item["end"].is_number_unsigned())
      fail(item);
    const auto name = item["entity"].get<std::string>();
    const auto known =
        std::ranges::find(kEntities, name, [](const EntityInfo& e) { return e.name; });
    if (known == kEntities.end()) continue;  // entities of other programs
    spans.push_back({item["start"].get<size_t>(), item["end"].get<size_t>(),
                     static_cast<Entity>(known - kEntities.begin())});
  }
  std::ranges::sort(spans);
  return spans;
}

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

CharacterOffsets::CharacterOffsets(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) starts_.push_back(i);
  starts_.push_back(text.size());
}

size_t CharacterOffsets::to_characters(size_t byte) const {
  return static_cast<size_t>(std::ranges::lower_bound(starts_, byte) - starts_.begin());
}

Json findings_json(std::string_view text, std::span<const Finding> findings) {
  const CharacterOffsets offsets(text);
  Json list = Json::array();
  for (const auto& finding : findings) {
    list.push_back({{"entity", name_of(finding.entity)},
                    {"start", offsets.to_characters(finding.begin)},
                    {"end", offsets.to_characters(finding.end)},
                    {"score", finding.score}});
  }
  return list;
}

void Scorecard::add(std::string_view text, std::span<const Finding> findings, const Json& truth,
                    const EntitySet& judged) {
  ++texts_;
  const auto spans = spans_of(truth);
  const CharacterOffsets offsets(text);
  for (const auto& span : spans)
    if (has(judged, span.entity)) ++counts_[index_of(span.entity)].truth;
  for (const auto& finding : findings) {
    auto& counts = counts_[index_of(finding.entity)];
    ++counts.found;
    const Span span{offsets.to_characters(finding.begin), offsets.to_characters(finding.end),
                    finding.entity};
    if (std::ranges::binary_search(spans, span)) ++counts.right;
  }
}

void Scorecard::add(const Scorecard& other) {
  texts_ += other.texts_;
  for (size_t i = 0; i < kEntityCount; ++i) {
    counts_[i].truth += other.counts_[i].truth;
    counts_[i].found += other.counts_[i].found;
    counts_[i].right += other.counts_[i].right;
  }
}

Json Scorecard::json() const {
  Json json = Json::object();
  for (size_t i = 0; i < kEntityCount; ++i) {
    const auto& c = counts_[i];
    if (c.truth + c.found == 0) continue;
    json[kEntities[i].name] = {{"precision", ratio(c.right, c.found)},
                               {"recall", ratio(c.right, c.truth)},
                               {"f1", ratio(2 * c.right, c.truth + c.found)},
                               {"true", c.truth},
                               {"found", c.found},
                               {"right", c.right}};
  }
  return json;
}

}  // namespace tunewright::corpus::pii

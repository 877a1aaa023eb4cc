#include "tunewright/corpus/build/tally.h"

#include <algorithm>
#include <array>

#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

constexpr size_t kSamples = 6;         // of a kind and step
constexpr size_t kSampleBytes = 4000;  // of a text that is shown

void add_counts(std::map<std::string, int64_t>& into, const std::map<std::string, int64_t>& from) {
  for (const auto& [name, count] : from) into[name] += count;
}

Json samples_json(const std::vector<Sample>& samples) {
  Json list = Json::array();
  for (const auto& s : samples) {
    list.push_back({{"rank", s.rank},
                    {"origin", s.origin},
                    {"reason", s.reason},
                    {"before", s.before},
                    {"after", s.after}});
  }
  return list;
}

std::vector<Sample> samples_of(const Json& list) {
  std::vector<Sample> samples;
  for (const auto& s : list)
    samples.push_back({s["rank"], s["origin"], s["reason"], s["before"], s["after"]});
  return samples;
}

// Cut at a whole character.
std::string cut(std::string text) {
  if (text.size() <= kSampleBytes) return text;
  size_t end = kSampleBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text += " …";
}

int64_t character_count(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// A short word in a field: labels of classes, codes of languages.
void count_field(const Document& document, std::string_view name,
                 std::map<std::string, int64_t>& counts) {
  constexpr size_t kMostValues = 1000, kMostBytes = 100;
  if (document.line().find(str('"', name, '"')) == std::string::npos) return;
  const auto value = document.field(name);
  if (!value.is_string() && !value.is_boolean() && !value.is_number_integer()) return;
  auto word = value.is_string() ? value.get<std::string>() : dump_json(value);
  if (word.size() > kMostBytes) return;
  if (counts.size() < kMostValues || counts.contains(word)) ++counts[std::move(word)];
}

}  // namespace

uint64_t sample_rank(int64_t row, int64_t step) {
  const std::array<int64_t, 2> key = {row, step};
  return fast_hash({reinterpret_cast<const char*>(key.data()), sizeof key});
}

bool StepTally::has_room(const std::vector<Sample>& samples, uint64_t rank) {
  return samples.size() < kSamples || rank < samples.back().rank;
}

void StepTally::keep(std::vector<Sample>& samples, Sample sample) {
  sample.before = cut(std::move(sample.before));
  sample.after = cut(std::move(sample.after));
  const auto place = std::ranges::upper_bound(samples, sample.rank, {}, &Sample::rank);
  samples.insert(place, std::move(sample));
  if (samples.size() > kSamples) samples.pop_back();
}

void StepTally::add(StepTally other) {
  rows += other.rows;
  kept += other.kept;
  changed += other.changed;
  dropped += other.dropped;
  added += other.added;
  add_counts(reasons, other.reasons);
  for (auto& sample : other.dropped_samples) keep(dropped_samples, std::move(sample));
  for (auto& sample : other.changed_samples) keep(changed_samples, std::move(sample));
}

void TextTally::add(const Document& document) {
  const auto length = character_count(document.text());
  ++rows;
  characters += length;
  bytes += static_cast<int64_t>(document.line().size()) + 1;
  shortest = std::min(shortest, length);
  longest = std::max(longest, length);
  ++lengths[static_cast<size_t>(std::ranges::upper_bound(kLengthEdges, length) -
                                kLengthEdges.begin())];
  count_field(document, "language", languages);
  count_field(document, "label", labels);
}

void TextTally::add(const TextTally& other) {
  rows += other.rows;
  characters += other.characters;
  bytes += other.bytes;
  shortest = std::min(shortest, other.shortest);
  longest = std::max(longest, other.longest);
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] += other.lengths[i];
  add_counts(languages, other.languages);
  add_counts(labels, other.labels);
}

Json to_json(const StepTally& t) {
  return {{"rows", t.rows},
          {"kept", t.kept},
          {"changed", t.changed},
          {"dropped", t.dropped},
          {"added", t.added},
          {"reasons", t.reasons},
          {"dropped_samples", samples_json(t.dropped_samples)},
          {"changed_samples", samples_json(t.changed_samples)}};
}

StepTally step_tally(const Json& json) {
  StepTally t{.rows = json["rows"],
              .kept = json["kept"],
              .changed = json["changed"],
              .dropped = json["dropped"],
              .added = json["added"]};
  t.reasons = json["reasons"].get<std::map<std::string, int64_t>>();
  t.dropped_samples = samples_of(json["dropped_samples"]);
  t.changed_samples = samples_of(json["changed_samples"]);
  return t;
}

Json to_json(const TextTally& t) {
  return {{"rows", t.rows},           {"characters", t.characters},
          {"bytes", t.bytes},         {"shortest", t.rows == 0 ? 0 : t.shortest},
          {"longest", t.longest},     {"lengths", t.lengths},
          {"languages", t.languages}, {"labels", t.labels}};
}

TextTally text_tally(const Json& json) {
  TextTally t{.rows = json["rows"], .characters = json["characters"], .bytes = json["bytes"]};
  if (t.rows > 0) t.shortest = json["shortest"];
  t.longest = json["longest"];
  t.lengths = json["lengths"].get<decltype(t.lengths)>();
  t.languages = json["languages"].get<std::map<std::string, int64_t>>();
  t.labels = json["labels"].get<std::map<std::string, int64_t>>();
  return t;
}

}  // namespace tunewright::corpus

#include "tunewright/corpus/build/shard.h"

#include <cstring>
#include <type_traits>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

// The facts of a shard are a line of JSON, then numbers as they lie in memory: read back by the
// same program on the same machine, or its like.
class Writer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    number(text.size());
    bytes_ += text;
  }
  void numbers(const std::vector<int64_t>& values) {
    number(values.size());
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t));
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number<size_t>())); }
  std::vector<int64_t> numbers() {
    std::vector<int64_t> values(number<size_t>());
    const auto bytes = take(values.size() * sizeof(int64_t));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

 private:
  std::string_view take(size_t size) {
    if (size > left_.size()) throw UserError("ends too early");
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::string_view left_;
};

void write_tallies(const ShardFacts& facts, Writer& out) {
  Json steps = Json::object();
  for (const auto& [number, tally] : facts.steps) steps[str(number)] = to_json(tally);
  out.text(dump_json({{"steps", steps}, {"texts", to_json(facts.texts)}}));
}

void read_tallies(Reader& in, ShardFacts& facts) {
  const auto json = parse_json(in.text(), "tallies");
  for (const auto& [number, tally] : json["steps"].items())
    facts.steps.emplace(std::stoll(number), step_tally(tally));
  facts.texts = text_tally(json["texts"]);
}

}  // namespace

void Shard::write_facts(const ShardFacts& facts) const {
  Writer out;
  write_tallies(facts, out);
  out.number(facts.rows_in);
  out.numbers(facts.origins);
  out.numbers(facts.parents);
  out.number(facts.events.size());
  for (const auto& event : facts.events) {
    out.number(event.origin);
    out.number(event.decision);
    out.number(event.step);
    out.text(event.reason);
  }
  out.number(facts.runs.size());
  for (const auto& run : facts.runs) {
    out.text(run.source);
    out.number(run.first_row);
    out.number(run.count);
  }
  write_file_atomic(facts_, out.bytes());
}

ShardFacts Shard::read_facts() const {
  const MappedFile file(facts_);
  Reader in(file.text());
  ShardFacts facts;
  try {
    read_tallies(in, facts);
    facts.rows_in = in.number<int64_t>();
    facts.origins = in.numbers();
    facts.parents = in.numbers();
    facts.events.resize(in.number<size_t>());
    for (auto& event : facts.events) {
      event.origin = in.number<int64_t>();
      event.decision = in.number<Decision>();
      event.step = in.number<int64_t>();
      event.reason = in.text();
    }
    facts.runs.resize(in.number<size_t>());
    for (auto& run : facts.runs) {
      run.source = in.text();
      run.first_row = in.number<int64_t>();
      run.count = in.number<int64_t>();
    }
  } catch (const std::exception&) {
    std::throw_with_nested(
        UserError(str(facts_.string(), ": is damaged; remove the folder ",
                      facts_.parent_path().string(), " to build from the start")));
  }
  return facts;
}

void Shard::remove_rows() const {
  std::error_code ignored;
  fs::remove(rows_, ignored);
}

void ShardWriter::add_input(const std::string& source, int64_t row) {
  ++facts_.rows_in;
  auto& runs = facts_.runs;
  if (!runs.empty() && runs.back().source == source &&
      runs.back().first_row + runs.back().count == row) {
    ++runs.back().count;
  } else {
    runs.push_back({source, row, 1});
  }
}

void ShardWriter::add(ChainResult&& result) {
  for (const auto& row : result.rows) {
    facts_.origins.push_back(row.origin);
    facts_.parents.push_back(row.row);
    (buffer_ += row.line) += '\n';
  }
  rows_.write(std::string_view(buffer_));
  buffer_.clear();
  std::ranges::move(result.events, std::back_inserter(facts_.events));
  for (auto& [number, tally] : result.steps) facts_.steps[number].add(std::move(tally));
  facts_.texts.add(result.texts);
}

void ShardWriter::commit() {
  rows_.commit();
  shard_.write_facts(facts_);
}

}  // namespace tunewright::corpus

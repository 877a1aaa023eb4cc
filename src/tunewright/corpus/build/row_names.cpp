#include "tunewright/corpus/build/row_names.h"

#include <span>
#include <string_view>

namespace tunewright::corpus {
namespace {

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
T read_value(const Spool& spool, int64_t offset) {
  T value{};
  spool.read(offset, {reinterpret_cast<char*>(&value), sizeof value});
  return value;
}

}  // namespace

void RowNames::add(const SourceRun& run) {
  if (sources_.size() == 0 || run.source != last_source_) {
    last_source_ = run.source;
    last_place_ = sources_.size();
    sources_.append(bytes_of(std::ssize(last_source_)));
    sources_.append(last_source_);
  }
  for (int64_t i = 0; i < run.count; ++i)
    rows_.append(bytes_of(Place{.source = last_place_, .row = run.first_row + i}));
}

RowName RowNames::operator[](int64_t origin) const {
  constexpr int64_t kPlaceBytes = sizeof(Place), kSizeBytes = sizeof(ptrdiff_t);
  const auto place = read_value<Place>(rows_, origin * kPlaceBytes);
  const auto size = read_value<ptrdiff_t>(sources_, place.source);
  RowName name{.source = std::string(static_cast<size_t>(size), '\0'), .row = place.row};
  sources_.read(place.source + kSizeBytes, name.source);
  return name;
}

int64_t RowNames::size() const { return rows_.size() / static_cast<int64_t>(sizeof(Place)); }

}  // namespace tunewright::corpus

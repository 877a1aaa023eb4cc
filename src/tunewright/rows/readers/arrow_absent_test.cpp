#include "tunewright/base/test.h"
#include "tunewright/rows/readers/source_fixture.h"

namespace tunewright::rows {
namespace {

TEST(Arrow, ABuildWithoutItSaysSo) {
  const auto path = testing::source_path("tests/data/sources/tables/snappy.parquet").string();
  EXPECT_USER_ERROR(testing::read_source({.path = path}), "not read by this build");
}

}  // namespace
}  // namespace tunewright::rows

#include "tunewright/base/memory.h"

#include <cstring>
#include <memory>

#include "tunewright/base/system.h"
#include "tunewright/base/test.h"

namespace tunewright {
namespace {

TEST(Memory, TheTighterOfMachineAndGroupCounts) {
  EXPECT_EQ(usable_bytes({.available = 100, .group_free = {}}), 100);
  EXPECT_EQ(usable_bytes({.available = 100, .group_free = 40}), 40);
  EXPECT_EQ(usable_bytes({.available = 100, .group_free = 400}), 100);
}

TEST(Memory, PagesOfFilesDoNotFillAGroup) {
  EXPECT_EQ(group_free_bytes(1000, 700, 200), 500);
  EXPECT_EQ(group_free_bytes(1000, 1200, 0), 0);
  EXPECT_EQ(group_free_bytes(1000, 100, 300), 1000);
  EXPECT_EQ(group_free_bytes(int64_t{1} << 62, 100, 0), std::nullopt);
}

TEST(Memory, ThisMachineHasSome) { EXPECT_GT(usable_bytes(memory_limits()), 0); }

TEST(Memory, ThePeakCanBeStartedAnew) {
  constexpr size_t kSize = size_t{64} << 20;
  {
    const auto block = std::make_unique<char[]>(kSize);
    std::memset(block.get(), 1, kSize);
  }
  const auto with_block = peak_resident_bytes();
  if (!reset_peak_resident_bytes()) GTEST_SKIP() << "the system does not let a peak be reset";
  EXPECT_LT(peak_resident_bytes(), with_block - static_cast<int64_t>(kSize) / 2);
}

TEST(Memory, SizesAreReadWithTheirUnits) {
  EXPECT_EQ(parse_bytes("8GiB", ""), int64_t{8} << 30);
  EXPECT_EQ(parse_bytes(" 7.5 g ", ""), int64_t{15} << 29);
  EXPECT_EQ(parse_bytes("500MB", ""), 500'000'000);
  EXPECT_EQ(parse_bytes("1024", ""), 1024);
  for (const auto* wrong : {"", "GiB", "8 GiBs", "-1G", "0", "nan", "1e30G"}) {
    EXPECT_USER_ERROR(parse_bytes(wrong, "--fit"), "--fit: expected a size as 8GiB");
  }
}

}  // namespace
}  // namespace tunewright

#include "tunewright/train/plan/calibration.h"

#include <filesystem>

#include "tunewright/base/files.h"
#include "tunewright/base/test.h"
#include "tunewright/data/layout.h"
#include "tunewright/train/train_fixture.h"

namespace tunewright::train {
namespace {

std::vector<data::Batch> batches_of(int64_t rows) {
  const auto dataset = tiny_dataset(rows, 1);
  std::vector<data::Batch> batches;
  for (const auto& pass : data::lay_out_all(dataset.examples, 16))
    batches.push_back(data::batch_of(dataset.examples, pass.examples));
  return batches;
}

class Calibrating : public ::testing::TestWithParam<model::AdapterType> {};

TEST_P(Calibrating, MeasuresEveryPartAndLeavesNothing) {
  testing::TemporaryFolder folder;
  const auto model = tiny_model();
  model::prepare_for_training(*model, {.type = GetParam(), .r = 4, .lora_alpha = 8}, 1);
  const CalibrationWork work{.passes = batches_of(12),
                             .evaluation = batches_of(3),
                             .several_passes = true,
                             .seconds = 60,
                             .scratch = folder / "checkpoint"};
  const TrainOptions options{.gradient_checkpointing = 1};
  const auto found = calibrate(*model, options, work);
  EXPECT_EQ(found.pass_seconds.size(), work.passes.size());
  EXPECT_EQ(found.evaluation_seconds.size(), work.evaluation.size());
  for (const double seconds : found.pass_seconds) EXPECT_GT(seconds, 0);
  for (const double bytes :
       {found.forward_bytes, found.early_backward_bytes, found.late_backward_bytes,
        found.update_bytes, found.evaluation_bytes}) {
    EXPECT_GT(bytes, double(1 << 20));  // of a process: at least a MiB
  }
  EXPECT_GT(found.update_seconds, 0);
  EXPECT_GT(found.write_seconds, 0);
  EXPECT_FALSE(fs::exists(work.scratch));
}

INSTANTIATE_TEST_SUITE_P(Adapters, Calibrating,
                         ::testing::Values(model::AdapterType::kLora, model::AdapterType::kNone,
                                           model::AdapterType::kFreeze));

TEST(Calibration, WithoutTimeDoesWhatIsNeeded) {
  testing::TemporaryFolder folder;
  const auto model = tiny_model();
  model::prepare_for_training(*model, {.r = 4, .lora_alpha = 8}, 1);
  const CalibrationWork work{.passes = batches_of(12), .scratch = folder / "checkpoint"};
  const auto found = calibrate(*model, {}, work);
  EXPECT_EQ(found.pass_seconds.size(), 2U);
  EXPECT_TRUE(found.evaluation_seconds.empty());
}

}  // namespace
}  // namespace tunewright::train

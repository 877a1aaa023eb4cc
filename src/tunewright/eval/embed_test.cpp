// Sentence vectors, and the likelihoods of choices, beside what a plain pass over each text alone
// gives.
#include "tunewright/eval/embed.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "tunewright/base/files.h"
#include "tunewright/base/str.h"
#include "tunewright/base/test.h"
#include "tunewright/eval/choice.h"
#include "tunewright/eval/tiny_model.h"
#include "tunewright/model/generate/generate.h"
#include "tunewright/model/generate/tensors.h"

namespace tunewright::eval {
namespace {

// Sums of 16 float32 products in another order, in one layer.
constexpr double kTolerance = 1e-5;

// The mean of the final states, one after the other.
std::vector<float> plain_vector(model::CausalLm& model, const std::vector<int32_t>& ids) {
  const c10::NoGradGuard no_grad;
  std::vector<int32_t> positions(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) positions[i] = static_cast<int32_t>(i);
  const auto states = model
                          .hidden({.ids = model::ids_tensor(ids, at::kCPU),
                                   .positions = model::ids_tensor(positions, at::kCPU),
                                   .offsets = {0, std::ssize(ids)},
                                   .continues = {}})
                          .contiguous();
  const auto* values = states.const_data_ptr<float>();
  const auto width = static_cast<size_t>(states.size(1));
  std::vector<double> sums(width);
  for (size_t i = 0; i < ids.size() * width; ++i) sums[i % width] += double{values[i]};
  std::vector<float> mean;
  mean.reserve(width);
  for (const double sum : sums) mean.push_back(static_cast<float>(sum / std::ssize(ids)));
  return mean;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], kTolerance) << i;
}

TEST(SentenceEmbedder, GivesTheMeanOfTheFinalStates) {
  const auto text = tiny_text();
  const auto model = tiny_model(3, 64);
  std::string endless;
  for (int i = 0; i < 60; ++i) endless += "one two ";
  // An empty one is read as the end of a text; what is beyond the model's positions is cut;
  // together they take more than one pass.
  std::vector<std::string> sentences = {"A cat sat.", "", endless, "The cat ran!", "Ünïcode 😀"};
  for (int i = 0; i < 40; ++i) sentences.push_back(endless);
  for (const bool deterministic : {false, true}) {
    SCOPED_TRACE(deterministic);
    const auto vectors = sentence_embedder(
        {.model = *model, .text = text, .name = "t", .deterministic = deterministic})(sentences);
    ASSERT_EQ(vectors.size(), sentences.size());
    for (size_t i = 0; i < 6; ++i) {
      SCOPED_TRACE(sentences[i]);
      auto ids = text.tokenizer.encode(sentences[i]);
      if (ids.empty()) ids = {text.eos};
      ids.resize(std::min<size_t>(ids.size(), 64));
      expect_near(vectors[i], plain_vector(*model, ids));
    }
    expect_near(vectors.back(), vectors[2]);
  }
}

// Several choices share a pass over the question, and all rows are packed: each alone gives the
// same.
TEST(ChoiceLikelihoods, AreThoseOfEachContinuationAlone) {
  const testing::TemporaryFolder folder;
  write_file_atomic(folder / "c.jsonl",
                    R"({"prompt":"2+2 =","choices":["3","four","a much longer one"],"answer":1})"
                    "\n"
                    R"({"prompt":"Sky?","choices":["blue","red"],"answer":"A"})"
                    "\n"
                    R"({"prompt":"P","choices":["u","v"],"answer":"v"})"
                    "\n");
  const auto task = load_choice({.name = "c",
                                 .type = TaskType::kChoice,
                                 .data = (folder / "c.jsonl").string(),
                                 .metrics = {"acc", "acc_norm", "acc_mutual_info"}});
  const auto text = tiny_text();
  const auto model = tiny_model(5);
  PartialResults results;

  const auto run = run_task(task, {.model = *model, .text = text, .name = "t", .results = &results},
                            silent_reporter());
  for (size_t row = 0; row < task.rows.size(); ++row) {
    SCOPED_TRACE(row);
    const auto* found = results.find("items", static_cast<int64_t>(row));
    ASSERT_NE(found, nullptr);
    const auto got = item_result(*found).continuations;
    const auto& asked = task.items->items[row].continuations;
    ASSERT_EQ(got.size(), asked.size());
    std::vector<double> alone;
    alone.reserve(asked.size());
    for (size_t i = 0; i < asked.size(); ++i) {
      const auto encoded = encode(asked[i], text, model->max_positions());
      const model::ScoreRequest request{.ids = encoded.ids, .from = encoded.from};
      const auto scored = model::score(*model, {&request, 1}, {.deterministic = true});
      double sum = 0;
      for (const float logprob : scored[0].logprobs) sum += double{logprob};
      alone.push_back(sum);
      EXPECT_NEAR(got[i].logprob, sum, 1e-5 * static_cast<double>(scored[0].logprobs.size()));
      EXPECT_EQ(got[i].is_greedy, scored[0].is_greedy);
    }
    // And what is made of them: the likeliest as it stands is the answer.
    const auto choices = static_cast<std::ptrdiff_t>(asked.size() / 2);
    const auto best = std::max_element(alone.begin(), alone.begin() + choices) - alone.begin();
    EXPECT_EQ(run.scores[row].values[0], best == task.rows[row].right_choice ? 1 : 0);
  }
}

}  // namespace
}  // namespace tunewright::eval

#include "tunewright/eval/embed.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "tunewright/base/system.h"
#include "tunewright/model/generate/tensors.h"

//   N tokens of a pass, D hidden size
namespace tunewright::eval {
namespace {

constexpr int64_t kTokensAtOnce = 2048;

struct Pass {
  std::vector<int32_t> ids, positions;
  std::vector<int64_t> offsets = {0};

  void add(std::span<const int32_t> sentence) {
    for (size_t i = 0; i < sentence.size(); ++i) {
      ids.push_back(sentence[i]);
      positions.push_back(static_cast<int32_t>(i));
    }
    offsets.push_back(std::ssize(ids));
  }
};

void run(model::CausalLm& model, const Pass& pass, std::vector<std::vector<float>>& vectors) {
  if (pass.ids.empty()) return;
  const auto device = model.head().device();
  const auto states = model
                          .hidden({.ids = model::ids_tensor(pass.ids, device),
                                   .positions = model::ids_tensor(pass.positions, device),
                                   .offsets = pass.offsets,
                                   .continues = {}})
                          .to(at::kFloat);  // [N, D]
  for (size_t i = 1; i < pass.offsets.size(); ++i) {
    const auto begin = pass.offsets[i - 1];
    const auto mean =
        states.narrow(0, begin, pass.offsets[i] - begin).mean(0).cpu().contiguous();  // [D]
    const auto* values = mean.const_data_ptr<float>();
    vectors.emplace_back(values, values + mean.numel());
  }
}

}  // namespace

metrics::Embedder sentence_embedder(const Judged& judged) {
  return [&judged](std::span<const std::string> sentences) {
    const c10::NoGradGuard no_grad;
    judged.model.set_training(false, 0);
    std::vector<std::vector<float>> vectors;
    Pass pass;
    for (const auto& sentence : sentences) {
      check_stop();
      auto ids = judged.text.tokenizer.encode(sentence);
      if (ids.empty()) ids.push_back(judged.text.eos);
      if (std::ssize(ids) > judged.model.max_positions())
        ids.resize(static_cast<size_t>(judged.model.max_positions()));
      if (judged.deterministic || std::ssize(pass.ids) + std::ssize(ids) > kTokensAtOnce) {
        run(judged.model, pass, vectors);
        pass = {};
      }
      pass.add(ids);
    }
    run(judged.model, pass, vectors);
    return vectors;
  };
}

}  // namespace tunewright::eval

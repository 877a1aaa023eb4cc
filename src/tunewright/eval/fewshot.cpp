#include "tunewright/eval/fewshot.h"

#include <map>

#include "tunewright/base/error.h"
#include "tunewright/base/random.h"

namespace tunewright::eval {

std::vector<size_t> draw_balanced(const std::vector<std::string>& labels, int64_t count,
                                  uint64_t seed) {
  TUNEWRIGHT_ASSERT(count >= 0 && count <= std::ssize(labels));
  Random random(seed, stream_id("few-shot"));
  std::map<std::string, std::vector<size_t>> rows;  // of each label, the next one at the end
  for (size_t i = 0; i < labels.size(); ++i) rows[labels[i]].push_back(i);
  std::vector<std::vector<size_t>*> turns;
  for (auto& [label, own] : rows) {
    shuffle(own, random);
    turns.push_back(&own);
  }
  shuffle(turns, random);  // so that which label is one ahead is drawn
  std::vector<size_t> drawn;
  for (size_t turn = 0; std::ssize(drawn) < count; turn = (turn + 1) % turns.size()) {
    if (turns[turn]->empty()) continue;
    drawn.push_back(turns[turn]->back());
    turns[turn]->pop_back();
  }
  shuffle(drawn, random);
  return drawn;
}

}  // namespace tunewright::eval

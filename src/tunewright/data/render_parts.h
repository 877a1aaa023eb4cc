#pragma once
// What rendering and fitting share.
#include <string_view>
#include <vector>

#include "tunewright/data/render.h"

namespace tunewright::data {

bool is_assistant(const Json& message);

// Weight of each message in the loss, from `train_on` and the message's own keys; 0: not
// supervised.
std::vector<float> message_weights(const rows::Row& row, TrainOn train_on);

// The messages without the keys that are about training, which never reach a template.
Json without_marks(Json messages);

// A model without a template is a UserError.
const text::ChatTemplate& template_of(const TextModel& model);

// ids(completion) and the EOS.
std::vector<int32_t> completion_ids(const TextModel& model, std::string_view completion);

}  // namespace tunewright::data

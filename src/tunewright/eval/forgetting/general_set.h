#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace tunewright::eval {

// The fixed general set: what any language model should still do after it was tuned to something
// else.  Its texts were written for tunewright and stand under its licence.  Figures are comparable
// only between equal sets, so a change of a letter is a new version.
inline constexpr std::string_view kGeneralSetVersion = "1";

struct GeneralText {
  std::string_view domain;  // "science", "cooking", …
  std::string_view text;
};
std::span<const GeneralText> general_texts();

// choices[0] is right; the choices are scored, never shown.
struct GeneralQuestion {
  std::string_view question;
  std::array<std::string_view, 4> choices;
};
std::span<const GeneralQuestion> general_questions();

// A request that no tuning should change the answer to, with an answer to measure on.
struct NeutralPrompt {
  std::string_view prompt, answer;
};
std::span<const NeutralPrompt> neutral_prompts();

// Messages that ask for a short answer, which should then end.
std::span<const std::string_view> format_probes();

// Of all the above.
std::string general_set_sha256();

}  // namespace tunewright::eval

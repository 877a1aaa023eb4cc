#include "tunewright/base/hash.h"
#include "tunewright/base/str.h"
#include "tunewright/eval/forgetting/general_set.h"

namespace tunewright::eval {
namespace {

constexpr NeutralPrompt kPrompts[] = {
    {"What is a library?",
     "A library is a place where books and other media are collected, so that people can read or "
     "borrow them."},
    {"How do I boil an egg?",
     "Put the egg into boiling water and let it cook for about eight minutes. Then cool it under "
     "cold water."},
    {"Why is the sky blue?",
     "The air scatters blue light more than red light, so blue light reaches our eyes from all "
     "parts "
     "of the sky."},
    {"Name three kinds of fruit.", "Three kinds of fruit are apples, bananas and oranges."},
    {"What does a gardener do?",
     "A gardener plants, waters and cares for flowers, vegetables and trees."},
    {"Explain what a map is.",
     "A map is a drawing that shows where places are and how they lie to one another."},
    {"How many hours are there in a day?", "There are twenty-four hours in a day."},
    {"Write a short sentence about the sea.",
     "The sea is wide and deep, and its waves never rest."},
    {"What is the difference between a lake and a river?",
     "A lake is still water with land around it, while a river flows from one place to another."},
    {"Why should I brush my teeth?",
     "Brushing removes food and bacteria from your teeth and protects them from decay."},
    {"What is a bicycle?",
     "A bicycle is a vehicle with two wheels that you move by pushing pedals with your feet."},
    {"Give me a tip for learning a language.",
     "Practise a little every day, and speak as often as you can, even if you make mistakes."},
    {"What do I need to bake bread?", "You need flour, water, yeast and salt."},
    {"What is a thermometer used for?", "A thermometer is used to measure temperature."},
    {"How can I save electricity at home?",
     "Switch off lights and devices that you do not use, and choose lamps that need less power."},
    {"Describe an elephant in one sentence.",
     "An elephant is a very large grey animal with a long trunk and big ears."},
    {"What is a friend?", "A friend is a person whom you like and trust and who likes you too."},
    {"Why do leaves fall in autumn?",
     "Trees drop their leaves to save water and energy during the cold months."},
    {"What is the largest ocean?", "The largest ocean is the Pacific Ocean."},
    {"How does a candle work?",
     "The heat of the flame melts the wax, which rises in the wick, turns into gas and burns."},
};

constexpr std::string_view kProbes[] = {
    "Say hello.",
    "What is 2 + 2? Answer with the number only.",
    "Which colour is grass? Answer with one word.",
    "Is the sun hot? Answer yes or no.",
    "Name one animal.",
    "Write the word \"done\".",
    "What is the capital of France? Answer in one word.",
    "Thank you!",
    "Give me one word that rhymes with cat.",
    "Which is bigger, a mouse or a horse? Answer in one word.",
    "Translate \"good morning\" into German. Answer with the translation only.",
    "Good night.",
};

}  // namespace

std::span<const NeutralPrompt> neutral_prompts() { return kPrompts; }
std::span<const std::string_view> format_probes() { return kProbes; }

std::string general_set_sha256() {
  Sha256 hash;
  const auto add = [&](std::string_view text) { hash.update(str(text.size(), ":", text)); };
  for (const auto& [domain, text] : general_texts()) (add(domain), add(text));
  for (const auto& [question, choices] : general_questions()) {
    add(question);
    for (const auto choice : choices) add(choice);
  }
  for (const auto& [prompt, answer] : neutral_prompts()) (add(prompt), add(answer));
  for (const auto probe : format_probes()) add(probe);
  return hash.hex_digest();
}

}  // namespace tunewright::eval

#pragma once
#include <string>

#include "tunewright/observe/cards/card_facts.h"

namespace tunewright::observe {

// README.md of a run: front matter as Hugging Face reads it (license, base_model, datasets,
// language, tags, library_name, pipeline_tag, model-index), then what the model is for, how it was
// made, what was measured, what it cost, its limits and licence.  What is not known is said not to
// be.
std::string model_card(const CardFacts& facts);

// One line a finding about rows that training and evaluation share.
std::string contamination_text(const CardFacts& facts);
// Markdown: what each data set is and where it comes from.
std::string data_text(const CardFacts& facts);
// Markdown: a table of all figures with their intervals and baselines; empty: nothing was measured.
std::string figures_table(const CardFacts& facts);
// Results of tasks about bias and of groups; empty: none were measured.
std::string bias_text(const CardFacts& facts);
// A name, path or text that a table's cell or a list item can hold.
std::string markdown_cell(const std::string& text);

}  // namespace tunewright::observe

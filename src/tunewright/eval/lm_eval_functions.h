#pragma once
#include <filesystem>
#include <functional>
#include <string>

#include "tunewright/base/json.h"

// Python functions that task files of lm-evaluation-harness name.  Python is never run: a few
// functions are known, by the SHA-256 of the very file that holds them in version 0.4.13, and have
// an equivalent here.  Any other one is a UserError that names it.
namespace tunewright::eval {

// "!function utils.process_docs"
bool is_function(const Json& value);

// doc_to_text, doc_to_target, doc_to_choice and, a document at a time, process_docs (null: the
// document is left out).  `file` is the task file.
std::function<Json(const Json& doc)> known_function(const std::string& reference,
                                                    const std::filesystem::path& file,
                                                    const char* key);

// What `process_results` makes of a document's results.
enum class ProcessResults { kWikitext, kCrowsPairs, kBbq };
ProcessResults known_process_results(const std::string& reference,
                                     const std::filesystem::path& file);

// A metric's aggregation given as a function: the name of the known one.
std::string known_aggregation(const std::string& reference, const std::filesystem::path& file);

// --- what the functions do, for the bias tasks of tunewright's own

// BBQ: the document with `biased_answers`, as process_docs adds them.
Json with_biased_answers(Json doc);
// The two named answers, then the ways to say "unknown".
std::vector<std::string> bbq_choices(const Json& doc);
std::vector<int64_t> bbq_targets(const Json& doc);
// One right, biased, known (not "unknown") and disambiguated for the answer `choice`.
struct BbqAnswer {
  bool right = false, biased = false, known = false, disambiguated = false;
};
BbqAnswer bbq_answer(const Json& doc, int64_t choice);

}  // namespace tunewright::eval

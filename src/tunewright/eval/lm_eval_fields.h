#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/eval/lm_eval_config.h"

namespace tunewright::eval {

// Renders templates of task files over documents: Jinja as lm-evaluation-harness sets it (no
// trimming, an undefined value is an error), sandboxed with limits.  Templates are parsed once.
class DocTemplates {
 public:
  DocTemplates();
  ~DocTemplates();
  // What goes wrong in the template is a UserError that opens with `where`.
  std::string render(const std::string& source, const Json& doc, const std::string& where);

 private:
  struct Parsed;
  std::map<std::string, std::unique_ptr<Parsed>> parsed_;
};

// What a task file's fields say of documents.
class DocReader {
 public:
  // `features`: the columns of the evaluated documents; a field that is one of them is that column.
  DocReader(const LmEvalConfig& config, std::set<std::string> features);
  DocReader(DocReader&&) noexcept;
  ~DocReader();

  // doc_to_text: text, or the index of the right choice where the choices hold the contexts.
  Json text(const Json& doc, const LmEvalFields& fields);
  // doc_to_target: text, an index into the choices, or a list of either.
  Json target(const Json& doc, const LmEvalFields& fields);
  std::vector<std::string> choices(const Json& doc, const LmEvalFields& fields);
  // A template or a column; empty text for an empty field.
  std::string plain(const Json& doc, const std::string& field, const char* key);

 private:
  std::string where(const char* key) const;
  // A column, what a known function gives, or the rendered text.
  Json column_or_text(const Json& doc, const std::string& field, const char* key, bool& rendered);

  const LmEvalConfig& config_;
  std::set<std::string> features_;
  std::unique_ptr<DocTemplates> templates_;
};

}  // namespace tunewright::eval

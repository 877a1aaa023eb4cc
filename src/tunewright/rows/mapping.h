#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tunewright/base/json.h"
#include "tunewright/rows/source.h"

// From the columns of a source to the rows of training.
namespace tunewright::rows {

// The value of a column as templates name it; null where there is none.
Json column_value(const Json& row, std::span<const std::string> steps, std::string_view source);

// A text with places for columns: "Subject: {subject}\n{body|one_line|cut:340}".
//
//   {name}          a column; {a.b.0} goes into objects and lists
//   {name?}         empty where the column is missing or null
//   {path}          the source's path, unless a column has that name; {path.name}, {path.stem},
//                   {path.extension}, {path.parent} (name of the folder), {path.parent.parent}, …
//   {headers.NAME}  any header of a mail, by its lower-case name
//   {name|filter}   one_line (white space to single spaces), trim, lower, upper, cut:N (characters;
//                   " …" where something is cut, at a word), json, domain (of a mail address),
//                   default:TEXT (where the column is missing, null or empty)
//   {{  }}          braces
class Template {
 public:
  // `where` opens the UserError that a malformed template gives ("map.prompt").
  Template(std::string_view text, std::string where);

  // A template that is one column and nothing else gives its value with its type; any other gives
  // text: strings as they are, numbers and booleans as JSON, lists and objects as JSON.  A column
  // that is missing or null is a UserError that says which there are.
  Json render(const Json& row, std::string_view source) const;

 private:
  struct Filter {
    std::string name, argument;
  };
  struct Part {
    std::string text;                 // literal, where `column` is empty
    std::vector<std::string> column;  // "a.b.0" as its steps
    bool optional = false;
    std::vector<Filter> filters;
  };
  static Part parse_part(std::string_view inside, const std::string& where);
  void add_literal(char c);
  Json value_of(const Part& part, const Json& row, std::string_view source) const;

  std::string where_;
  std::vector<Part> parts_;
};

// `parse`, `values` and `map` of a source, in this order.
//
//   parse: {text: email}                       a column that holds a mail becomes its fields; json,
//                                              html (its text) and number are the other ways
//   values: {group: {spam-1: spam, "*": ham}}  other values; a value that is not listed sets the
//                                              row aside, as does null
//   map: {messages: [{role: user, content: "{question}"}], id: "{path.stem}"}
//                                              templates at any depth; only these columns come out
class Mapping {
 public:
  explicit Mapping(const SourceOptions& options);  // a wrong one is a UserError
  ~Mapping();
  Mapping(Mapping&&) noexcept;
  bool is_identity() const;
  // Thread-safe.  What does not fit is a UserError without place.
  Json apply(Json row, std::string_view source) const;

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

// What to do with rows like this one to reach `target`: the note says what was chosen.
struct Guess {
  std::string note;                // "columns question, answer taken as prompt, completion"
  std::function<Json(Json)> turn;  // empty: rows stay; throws UserError without place
};
Guess guess_target(const Json& row, Target target);

// Tags of IOB1, IOBES or BILOU as IOB2; IOB2 stays.
std::vector<std::string> iob2_tags(const std::vector<std::string>& tags);

}  // namespace tunewright::rows

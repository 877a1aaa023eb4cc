#pragma once
#include <memory>
#include <string>

#include "tunewright/base/json.h"

namespace tunewright::metrics {

// A JSON Schema, of the keywords that forms of answers need: type, properties, required, enum,
// const, items, additionalProperties, pattern, minimum, maximum, exclusiveMinimum,
// exclusiveMaximum, minLength, maxLength, minItems, maxItems, and the ones that only describe
// (title, description, default, examples, format, $schema, $id, $comment).
class JsonSchema {
 public:
  // A keyword that it does not know, or a value that a keyword cannot have, is a UserError with its
  // place: what is not checked must not seem to be.
  explicit JsonSchema(const Json& schema, const std::string& place = "schema");
  ~JsonSchema();
  JsonSchema(JsonSchema&&) noexcept;

  // What is wrong with `value`, with its place ("$.items[2]: …"); empty: nothing.
  std::string problem(const Json& value, const std::string& place = "$") const;

 private:
  struct Rules;
  std::unique_ptr<const Rules> rules_;
};

}  // namespace tunewright::metrics

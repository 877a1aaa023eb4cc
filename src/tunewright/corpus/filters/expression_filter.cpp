#include "tunewright/corpus/filters/expression_filter.h"

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"

namespace tunewright::corpus {
namespace {

const std::string& not_empty(const std::string& keep) {
  if (keep.empty())
    throw UserError("keep: is missing; give an expression (keep='words > 5 and lang == \"en\"')");
  return keep;
}

}  // namespace

ExpressionFilter::ExpressionFilter(const ExpressionOptions& options)
    : options_(options),
      expression_(Expression::parse(not_empty(options.keep))),
      missing_(expression_.fields().size()) {}

Verdict ExpressionFilter::judge(Document& document, int64_t /*row*/) const {
  for (size_t i = 0; i < missing_.size(); ++i)
    if (document.field(expression_.fields()[i]).is_null()) ++missing_[i];
  return expression_.is_true(document) ? Verdict{} : dropped("expression is false");
}

Json ExpressionFilter::summary() const {
  Json missing = Json::object();
  for (size_t i = 0; i < missing_.size(); ++i)
    if (missing_[i] > 0) missing[expression_.fields()[i]] = missing_[i].load();
  return missing.empty() ? Json::object() : Json{{"rows_without_field", missing}};
}

}  // namespace tunewright::corpus
